"""A root that two people sign apart: what is refused; the channel and the file stay as they were."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest
from tuf.api.metadata import Root
from two_people import RUNNER, Two, content, forge, refused

from cloud_trainer import cli
from cloud_trainer.publishing.keys import read_public
from models.errors import Reason

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def proposed(two: Two) -> Path:
    return two.propose("targets", "--with", two.annas)


class Unchanged:
    """Asserts that neither the channel nor the file that is carried has changed."""

    def __init__(self, two: Two, file: Path) -> None:
        self._two, self._file = two, file

    def __enter__(self) -> None:
        self._before = self._two.anna.state(), self._file.read_bytes()

    def __exit__(self, *_error: object) -> None:
        assert (self._two.anna.state(), self._file.read_bytes()) == self._before


def test_a_key_that_is_no_root_key_cannot_sign(two: Two, proposed: Path):
    targets = next(two.anna.keys.rglob("targets-*.key"))
    with Unchanged(two, proposed):
        for person, key in ((two.ben, two.ben.key()), (two.anna, targets)):
            refused(
                Reason.UNTRUSTED,
                lambda person=person, key=key: person.types(
                    "keys", "sign", proposed, "--with", key, "--root", two.kept, "--yes"
                ),
                says="is no root key, neither of root 2 nor of the one before",
            )


def test_a_key_that_is_no_root_key_cannot_sign_a_proposal_either_and_no_keys_are_made(two: Two):
    keys = sorted(two.anna.keys.rglob("*"))
    stranger = two.anna.key(two.carried)
    refused(Reason.UNTRUSTED, lambda: two.propose("targets", "--with", stranger), says="is no root key")
    assert sorted(two.anna.keys.rglob("*")) == keys
    assert not (two.carried / "next.json").exists()


def test_a_key_does_not_sign_twice(two: Two, proposed: Path):
    with Unchanged(two, proposed):
        again = ("keys", "sign", proposed, "--with", two.annas, "--yes")
        error = refused(
            Reason.WRONG_STATE, lambda: two.anna.types(*again), says="has signed root 2 already, and counts once"
        )
        assert two.bens.stem.removeprefix("root-") in error.remedy
    two.sign(proposed)
    with Unchanged(two, proposed):
        refused(Reason.WRONG_STATE, lambda: two.sign(proposed), says="has signed root 2 already")


def test_one_key_under_two_identifiers_is_refused(two: Two, proposed: Path):
    def twice(root: Root) -> None:
        ben = read_public(two.bens.with_suffix(".pub"))
        root.keys["f" * 64] = root.keys[ben.keyid]
        root.roles["root"].keyids.append("f" * 64)

    forge(proposed, twice)
    with Unchanged(two, proposed):
        refused(Reason.TAMPERED, lambda: two.sign(proposed), says="has another key's identifier")
        refused(Reason.TAMPERED, lambda: two.accept(proposed), says="has another key's identifier")


def test_with_too_few_signatures_nothing_is_accepted(two: Two, proposed: Path):
    with Unchanged(two, proposed):
        error = refused(
            Reason.UNTRUSTED, lambda: two.accept(proposed), says="lacks signatures: 1 of the keys of root 1"
        )
        assert two.bens.stem.removeprefix("root-") in error.remedy
    two.sign(proposed)
    two.accept(proposed)


def test_the_new_keys_alone_do_not_make_a_root(two: Two):
    file = two.propose("root")
    with Unchanged(two, file):
        refused(Reason.UNTRUSTED, lambda: two.accept(file), says=r"lacks signatures: 2 of the keys of root 1\. ")


def test_a_file_for_another_channel_is_refused_by_its_name_and_by_its_roots(two: Two, tmp_path: Path):
    others = Two(tmp_path / "others", channel="beta")
    file = others.propose()
    with Unchanged(two, file):
        error = refused(Reason.WRONG_VALUE, lambda: two.sign(file), says="of the channel beta, not of stable")
        assert "--channel beta" in error.remedy
        refused(Reason.WRONG_VALUE, lambda: two.accept(file), says="of the channel beta, not of stable")
    file.write_text(json.dumps(content(file) | {"channel": "stable"}))
    with Unchanged(two, file):
        refused(Reason.UNTRUSTED, lambda: two.sign(file), says="the file's root 1 is not the one of the channel stable")
        refused(Reason.UNTRUSTED, lambda: two.accept(file), says="the file's root 1 is not the one of the channel")


def test_a_file_for_an_older_version_is_refused(two: Two, proposed: Path):
    two.sign(proposed)
    older = two.carried / "older.json"
    shutil.copy(proposed, older)
    two.accept(proposed)
    with Unchanged(two, older):
        refused(
            Reason.ROLLED_BACK,
            lambda: two.accept(older),
            says="root 2 is proposed, but the channel stable is at root 2",
        )
        signs = ("keys", "sign", older, "--with", two.safe, "--yes")
        refused(Reason.ROLLED_BACK, lambda: two.anna.types(*signs), says="root 2 is proposed")


@pytest.mark.parametrize("signed", [True, False])
def test_a_root_that_was_changed_after_it_was_signed_is_refused(two: Two, proposed: Path, signed: bool):
    if signed:
        two.sign(proposed)
    held = content(proposed)
    held["roots"][-1]["signed"]["expires"] = "2099-01-01T00:00:00Z"
    proposed.write_text(json.dumps(held))
    with Unchanged(two, proposed):
        refused(Reason.TAMPERED, lambda: two.accept(proposed), says="does not fit: the root was changed after")
        refused(Reason.TAMPERED, lambda: two.sign(proposed), says="does not fit: the root was changed after")


def test_roots_that_somebody_made_up_do_not_hide_what_changes(two: Two, proposed: Path):
    held = content(proposed)
    held["roots"][0]["signed"]["roles"]["targets"] = held["roots"][1]["signed"]["roles"]["targets"]
    proposed.write_text(json.dumps(held))
    with Unchanged(two, proposed):
        refused(Reason.UNTRUSTED, lambda: two.sign(proposed), says="the file's root 1 is not the one")
        refused(Reason.UNTRUSTED, lambda: two.accept(proposed), says="the file's root 1 is not the one")


def test_a_gap_in_trust_between_the_root_that_was_kept_and_the_proposed_is_refused(two: Two, proposed: Path):
    two.sign(proposed)
    two.accept(proposed)
    file = two.propose(name="third.json")
    held = content(file)
    held["roots"][1]["signatures"] = held["roots"][1]["signatures"][:1]
    file.write_text(json.dumps(held))
    with Unchanged(two, file):
        error = refused(
            Reason.UNTRUSTED, lambda: two.sign(file), says="root 2 lacks 1 signatures of the keys of root 1"
        )
        assert "Do not sign it" in error.remedy


def test_a_root_that_changes_what_is_not_shown_is_refused(two: Two, proposed: Path):
    for change in (
        lambda root: setattr(root, "consistent_snapshot", False),
        lambda root: root.unrecognized_fields.update({"more": 1}),
        lambda root: root.roles["targets"].unrecognized_fields.update({"more": 1}),
    ):
        file = two.carried / "changed.json"
        shutil.copy(proposed, file)
        forge(file, change)
        with Unchanged(two, file):
            refused(
                Reason.UNSUPPORTED,
                lambda file=file: two.sign(file),
                says="changes more than keys, thresholds and expiry",
            )


def test_a_role_that_nobody_could_sign_for_is_refused(two: Two, proposed: Path):
    forge(proposed, lambda root: setattr(root.roles["targets"], "threshold", 2))
    with Unchanged(two, proposed):
        refused(Reason.WRONG_VALUE, lambda: two.sign(proposed), says="2 of 1 targets keys are to sign")


def test_a_wrong_passphrase_signs_nothing(two: Two, proposed: Path):
    two.ben.passphrase = "mistyped once more"  # noqa: S105 - opens nothing
    with Unchanged(two, proposed):
        refused(Reason.REFUSED, lambda: two.sign(proposed), says=f"does not open .*{two.bens.name}")


def test_a_wrong_passphrase_proposes_nothing_and_makes_no_keys(two: Two):
    two.anna.passphrase = "mistyped once more"  # noqa: S105 - opens nothing
    keys = sorted(two.anna.keys.rglob("*"))
    refused(Reason.REFUSED, lambda: two.propose("targets", "--with", two.annas), says="does not open")
    assert sorted(two.anna.keys.rglob("*")) == keys
    assert not (two.carried / "next.json").exists()


def test_without_a_root_that_is_trusted_nothing_is_signed(two: Two, proposed: Path):
    with Unchanged(two, proposed):
        signs = ("keys", "sign", proposed, "--with", two.bens, "--yes")
        error = refused(Reason.MISSING, lambda: two.ben.types(*signs), says="none of them is trusted here")
        assert "--root" in error.remedy


def test_where_nobody_can_agree_nothing_is_signed(two: Two, proposed: Path):
    with Unchanged(two, proposed):
        signs = ("keys", "sign", proposed, "--with", two.bens, "--root", two.kept)
        error = refused(Reason.REFUSED, lambda: two.ben.types(*signs), says="nobody sits at a terminal")
        assert "--yes" in error.remedy


def test_at_the_terminal_one_may_say_no(two: Two, proposed: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("cloud_trainer.publishing.commands.signing._at_terminal", lambda: True)
    line = ["keys", "sign", str(proposed), "--with", str(two.bens), "--root", str(two.kept)]
    line += ["--config", str(two.ben.config)]
    env = {"ATTUNE_PASSPHRASE": two.ben.passphrase}
    with Unchanged(two, proposed):
        result = RUNNER.invoke(cli.app, line, env=env, input="n\n")
        assert result.exit_code == 1
        assert "Sign this root?" in result.output
    assert RUNNER.invoke(cli.app, line, env=env, input="y\n").exit_code == 0
    two.accept(proposed)


def test_a_proposal_is_not_written_over(two: Two, proposed: Path):
    with Unchanged(two, proposed):
        refused(Reason.WRONG_STATE, lambda: two.propose("targets"), says="is there already")


def test_a_root_that_came_too_late_is_refused(two: Two, proposed: Path, monkeypatch: pytest.MonkeyPatch):
    two.sign(proposed)
    later = time.time() + 731 * 86_400.0
    monkeypatch.setattr("cloud_trainer.publishing.commands.signing.time.time", lambda: later)
    with Unchanged(two, proposed):
        refused(Reason.EXPIRED, lambda: two.accept(proposed), says="root 2 of the channel stable expired on")


def test_files_that_propose_different_roots_are_not_put_together(two: Two, proposed: Path):
    other = two.propose("timestamp", name="other.json")
    two.sign(other)
    with Unchanged(two, proposed):
        refused(Reason.WRONG_VALUE, lambda: two.accept(proposed, other), says="propose different roots")


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        (b"", Reason.MALFORMED),
        (b"\xff", Reason.MALFORMED),
        (b"{}", Reason.MALFORMED),
        (b'{"format": 2, "channel": "stable", "roots": [{}]}', Reason.UNSUPPORTED),
        (b'{"format": 1, "channel": "stable", "roots": []}', Reason.MALFORMED),
        (b'{"format": 1, "channel": "stable", "roots": [{}]}', Reason.MALFORMED),
        (b'{"format": 1, "channel": "st\\u001b", "roots": [{}]}', Reason.MALFORMED),
        (b'{"format": 1, "channel": "stable", "roots": [{}], "\\u001b[2J": 1}', Reason.MALFORMED),
        (b" " * 4_194_305, Reason.OVERSIZED),
    ],
    ids=["empty", "bytes", "no-fields", "newer", "no-roots", "no-root", "odd-name", "odd-field", "huge"],
)
def test_what_is_no_proposal_is_refused(two: Two, held: bytes, reason: Reason):
    file = two.carried / "odd.json"
    file.write_bytes(held)
    with Unchanged(two, file):
        error = refused(reason, lambda: two.accept(file), says="odd.json")
        assert "\x1b" not in str(error)
        refused(reason, lambda: two.sign(file), says="odd.json")


def test_a_cut_file_is_refused_wherever_it_was_cut(two: Two, proposed: Path):
    whole = proposed.read_bytes()
    for length in range(0, len(whole) - 1, len(whole) // 12):
        proposed.write_bytes(whole[:length])
        refused(Reason.MALFORMED, lambda: two.accept(proposed), says="is no proposed root")


def test_a_file_that_lacks_the_roots_before_is_refused(two: Two, proposed: Path):
    held = content(proposed)
    proposed.write_text(json.dumps(held | {"roots": held["roots"][1:]}))
    refused(Reason.MALFORMED, lambda: two.sign(proposed), says="without a gap")


def test_a_file_that_is_not_there_is_named(two: Two, tmp_path: Path):
    for does in (
        lambda: two.accept(tmp_path / "nothing.json"),
        lambda: two.sign(tmp_path / "nothing.json"),
        lambda: two.propose("root", "--new", tmp_path / "nothing.json"),
        lambda: two.propose("--with", tmp_path / "nothing.json"),
    ):
        refused(Reason.UNREADABLE, does, says=r"nothing\.json")


@pytest.mark.parametrize("held", [b"", b"ssh-ed25519 AAAA", b"\xff", b"ssh-rsa " + b"A" * 40])
def test_what_is_no_public_key_is_refused(two: Two, held: bytes):
    file = two.carried / "root.pub"
    file.write_bytes(held)
    refused(Reason.CORRUPT, lambda: two.propose("root", "--new", file), says=r"root\.pub is no public key")


def test_as_many_new_root_keys_are_given_as_are_replaced_and_none_of_them_twice(two: Two):
    new, bens = two.ben.key().with_suffix(".pub"), two.bens.with_suffix(".pub")
    old = read_public(bens).keyid[:8]
    before = two.anna.state(), sorted(two.anna.keys.rglob("*"))
    for words, says in (
        (("root", "--new", new), "3 new root keys are needed, 1 were given"),
        (("--new", new), "0 new root keys are needed, 1 were given"),
        (("root", "--key", old, "--new", bens), "is there already"),
        (("root", "--new", new, "--new", new, "--new", bens), "is there already"),
        (("root", "--key", "nosuchkey"), "names 0 keys of root"),
        (("targets", "--new", new), "0 new root keys are needed"),
    ):
        refused(Reason.WRONG_VALUE, lambda words=words: two.propose(*words), says=says)
    assert (two.anna.state(), sorted(two.anna.keys.rglob("*"))) == before


def test_a_first_root_below_its_threshold_makes_no_channel(two: Two):
    news = [word for key in (two.annas, two.bens, two.safe) for word in ("--new", key.with_suffix(".pub"))]
    file = two.carried / "beta.json"
    two.anna.types("keys", "propose", *news, "--with", two.annas, "--out", file, "--channel", "beta")
    with Unchanged(two, file):
        error = refused(
            Reason.UNTRUSTED,
            lambda: two.anna.types("keys", "accept", file, "--channel", "beta"),
            says="root 1 of the channel beta lacks signatures: 1 of the keys of root 1\\. ",
        )
        assert two.bens.stem.removeprefix("root-") in error.remedy
    two.anna.types("keys", "propose", "root", *news, "--channel", "gamma", code=2)
