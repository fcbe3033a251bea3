from __future__ import annotations

import pickle

import pytest

from models import errors
from models.errors import AttuneError, Reason

LEAVES = [getattr(errors, name) for name in errors.__all__ if name.endswith("Error")]


@pytest.mark.parametrize("kind", LEAVES)
def test_an_error_comes_back_from_another_process_as_it_was(kind: type[AttuneError]) -> None:
    error = kind("the file is torn", reason=Reason.CORRUPT, remedy="Mend it")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (again.message, again.reason, again.remedy) == ("the file is torn", Reason.CORRUPT, "Mend it")


def test_an_error_reads_as_what_was_wrong_and_what_to_do() -> None:
    assert str(AttuneError("the file is torn", reason=Reason.CORRUPT, remedy="Mend it")) == "the file is torn. Mend it"


def test_no_two_reasons_share_a_code() -> None:
    assert len({reason.value for reason in Reason}) == len(Reason.__members__)
