"""One thing to measure."""

from benchmarks.measure import Work


class Case:
    """A piece of work beside its peer."""

    def __init__(self, name: str, kind: str, work: Work, peer: str, peer_work: Work, rounds: int) -> None:
        self.name = name
        self.kind = kind
        self.work = work
        self.peer = peer
        self.peer_work = peer_work
        self.rounds = rounds
