"""The same task for many items, shared out among processes that inherit all that they need; and no collecting meanwhile."""

import gc
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

Work = TypeVar("Work")
Item = TypeVar("Item")
Made = TypeVar("Made")

_inherited: tuple[Callable[[Any, Any], Any], Any] | None = None
"""Task and work of this process, which its parent had when it was forked."""


@contextmanager
def without_collecting() -> Iterator[None]:
    """No search for garbage until the end: what a backtest drops is freed by its counts, and to walk the millions of
    objects that it keeps, again and again, took a sixth of its time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def as_many(processes: int | None) -> int:
    """So many; without a wish as many as this machine has processors."""
    return processes or multiprocessing.cpu_count()


def made_of_each(
    task: Callable[[Work, Item], Made], work: Work, items: Sequence[Item], processes: int
) -> list[Made]:
    """What `task` makes of `work` and each of `items`, in their order; of at most so many processes, this one when one.

    Only items and what is made of them are sent. What a task raises is raised here.
    """
    if processes < 2 or len(items) < 2:
        return [task(work, item) for item in items]
    # Forked: a year of quotes is there without being sent, and nothing is imported anew.
    context = multiprocessing.get_context("fork")
    many = min(processes, len(items))
    with ProcessPoolExecutor(many, mp_context=context, initializer=_inherit, initargs=(task, work)) as pool:
        return list(pool.map(_do, items))


def _inherit(task: Callable[[Any, Any], Any], work: Any) -> None:
    global _inherited
    _inherited = task, work
    # It ends with its task, and looking for garbage would copy the inherited memory.
    gc.disable()


def _do(item: Any) -> Any:
    assert _inherited is not None, "a process is handed its work before its first item"
    task, work = _inherited
    return task(work, item)
