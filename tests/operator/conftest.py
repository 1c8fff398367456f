import pytest
from django.contrib.auth.models import User
from django.test import Client


@pytest.fixture
def ada(db: None) -> User:
    """The operator."""
    return User.objects.create_superuser("ada", "ada@example.org", "a long enough password")


@pytest.fixture
def console(ada: User) -> Client:
    """A browser in which the operator is logged in; CSRF is checked as in life."""
    client = Client()
    client.force_login(ada)
    return client


@pytest.fixture
def looker(db: None) -> Client:
    """Staff that may look at nothing and turn nothing."""
    client = Client()
    client.force_login(User.objects.create_user("bob", is_staff=True))
    return client
