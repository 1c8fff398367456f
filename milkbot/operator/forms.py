"""The form every action of the console asks for."""

from typing import Any

from django import forms


class ConfirmForm(forms.Form):
    """A reason for the record, and the word that shows the page was read."""

    reason = forms.CharField(max_length=500, help_text="Kept with the action, for whoever asks later.")
    word = forms.CharField(max_length=10, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, word: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._word = word
        self.fields["word"].label = f"Type {word}"

    def clean_word(self) -> str:
        word = str(self.cleaned_data["word"])
        if word != self._word:
            raise forms.ValidationError(f"Type {self._word}, in capitals. Nothing was changed.")
        return word
