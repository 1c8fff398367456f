"""Asks our own public page whether it serves, the way a visitor's browser would."""

import requests

CONNECT_TIMEOUT_S = 1.0
READ_TIMEOUT_S = 3.0


def probe_public_web(url: str, session: requests.Session) -> str | None:
    """None when `GET url` answers 200, else one sentence on what happened. Never raises for a dead or broken site."""
    try:
        answer = session.get(url, timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S), allow_redirects=False)
    except requests.RequestException as error:
        return f"The public page does not answer ({type(error).__name__})."
    return (
        None if answer.status_code == requests.codes.ok else f"The public page answers {answer.status_code}."
    )
