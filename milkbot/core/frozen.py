"""Values that never change: what every domain model is, and the kind of it that is made by the thousand."""

from typing import Any, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict

_assign: Final = object.__setattr__


class Frozen(BaseModel):
    """Immutable, and strange to every field it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OftenMade(Frozen):
    """What comes by the thousand, so that who has checked every value, or has one already, can do without validation."""

    _every_field: ClassVar[set[str]]
    """Shared by all instances: they are frozen, and pydantic's own copy with changes gets a set of its own."""

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        cls._every_field = set(cls.model_fields)

    @classmethod
    def of_checked(cls, **values: Any) -> Self:
        """The model that validation would make of `values`: all fields, each of its own type and within its bounds.

        Nothing is checked. Pydantic's `model_construct` would do, but is slower than validation.
        """
        made = object.__new__(cls)
        _assign(made, "__dict__", values)
        _assign(made, "__pydantic_fields_set__", cls._every_field)
        _assign(made, "__pydantic_extra__", None)
        _assign(made, "__pydantic_private__", None)
        return made

    def changed(self, **values: Any) -> Self:
        """A copy with other `values`, of which nothing is checked: pydantic's `model_copy` at a fraction of its cost. Not for
        a model that caches a property."""
        return self.of_checked(**{**self.__dict__, **values})
