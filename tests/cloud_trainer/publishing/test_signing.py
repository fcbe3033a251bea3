"""A root that two people sign, each on a computer of their own, with key files and passphrases of their own."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from publishing_desk import Mosquitto, Player, bundle_files, make_bundle
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, Root
from typer.testing import CliRunner, Result

from agent.delivery.receiving import Limits
from agent.delivery.receiving.client import refresh
from agent.delivery.receiving.enrolment import enrol
from agent.delivery.receiving.fetcher import NeedError
from agent.delivery.receiving.trust import ChannelTrust
from cloud_trainer import cli
from cloud_trainer.publishing.keys import KeyFiles, read_public
from cloud_trainer.publishing.settings import PublishingSection
from models.errors import AttuneError, DeliveryError, Reason
from models.wire.topics import ChannelTopics

RUNNER = CliRunner()


class Person:
    """Somebody with a computer of their own: settings, channels, keys, a passphrase."""

    def __init__(self, folder: Path, name: str, port: int = 1883) -> None:
        self.folder = folder / name
        self.passphrase = f"{name} knows this one"
        self.channels, self.keys = self.folder / "channels", self.folder / "keys"
        self.config = self.folder / "trainer.toml"
        self.folder.mkdir(parents=True)
        self.config.write_text(
            f'[publishing]\nport = {port}\nfolder = "{self.channels}"\nkeys = "{self.keys}"\n'
        )  # fmt: skip

    def types(self, *words: object, code: int = 0) -> Result:
        """Gives a command that must end with `code`; an error of ours is raised."""
        line = [*map(str, words), "--config", str(self.config)]
        result = RUNNER.invoke(cli.app, line, env={"ATTUNE_PASSPHRASE": self.passphrase})
        if isinstance(result.exception, AttuneError):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    def told(self, *words: object) -> dict[str, Any]:
        """The answer to a command in JSON."""
        answer: dict[str, Any] = json.loads(self.types(*words, "--json").stdout)
        return answer

    def key(self, out: Path | None = None) -> Path:
        """Makes a root key and returns its file."""
        made = self.told("keys", "make", "--out", out or self.folder / "drive")
        assert Path(made["public"]).exists()
        return Path(made["file"])

    def state(self) -> dict[str, bytes]:
        """Every file of every channel but for the locks."""
        paths = sorted(path for path in self.channels.rglob("*") if path.is_file() and path.name != "lock")
        return {str(path.relative_to(self.channels)): path.read_bytes() for path in paths}

    def root(self, version: int) -> Path:
        return self.channels / "stable" / "metadata" / f"{version}.root.json"


class Two:
    """Anna, who publishes, and Ben, who holds the second key; the third lies in a safe."""

    def __init__(self, folder: Path, port: int = 1883, channel: str = "stable") -> None:
        self.carried = folder / "carried"
        self.carried.mkdir(parents=True)
        self.anna, self.ben = Person(folder, "anna", port), Person(folder, "ben", port)
        self.annas, self.bens = self.anna.key(), self.ben.key()
        self.safe = self.anna.key(folder / "safe")
        news = [word for key in (self.annas, self.bens, self.safe) for word in ("--new", key.with_suffix(".pub"))]
        file = self.carried / "first.json"
        self.of = ("--channel", channel)
        self.anna.types("keys", "propose", *news, "--with", self.annas, "--out", file, *self.of)
        self.ben.types("keys", "sign", file, "--with", self.bens, "--yes", *self.of)
        self.anna.types("keys", "accept", file, *self.of)
        self.kept = self.ben.folder / "root.json"
        shutil.copy(self.anna.channels / channel / "root.json", self.kept)

    def propose(self, *words: object, name: str = "next.json") -> Path:
        file = self.carried / name
        self.anna.types("keys", "propose", *words, "--out", file, *self.of)
        return file

    def sign(self, file: Path, *keys: Path) -> Result:
        """Ben signs."""
        words = [word for key in keys or (self.bens,) for word in ("--with", key)]
        return self.ben.types("keys", "sign", file, *words, "--root", self.kept, "--yes", *self.of)

    def accept(self, *files: Path) -> Result:
        return self.anna.types("keys", "accept", *files, *self.of)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(KeyFiles.__init__.__kwdefaults__, "rounds", 1)  # type: ignore[arg-type]
    monkeypatch.setattr("cloud_trainer.publishing.fleet._PATIENCE_S", 0.05)
    monkeypatch.setattr("cloud_trainer.publishing.mirror._ORDER_S", 0.0)
    monkeypatch.delenv("ATTUNE_ROOT_PASSPHRASE", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def two(tmp_path: Path) -> Two:
    return Two(tmp_path / "two")


def refused(reason: Reason, does: Callable[[], object], *, says: str) -> DeliveryError:
    with pytest.raises(DeliveryError, match=says) as caught:
        does()
    assert caught.value.reason is reason
    assert caught.value.remedy
    return caught.value


def content(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_bytes())
    return found


# --- the way that it is meant -----------------------------------------------------------------------------------------


async def test_players_that_trust_the_old_root_follow_one_that_two_people_signed_apart(
    broker: Mosquitto, tmp_path: Path
):
    import asyncio

    two = await asyncio.to_thread(Two, tmp_path / "two", broker.port)
    bundle = make_bundle(tmp_path / "bundle")
    await asyncio.to_thread(two.anna.types, "publish", bundle, "--untested")
    enrolled = two.anna.root(1).read_bytes()
    stock = Player(tmp_path / "stock", enrolled)
    ours = tmp_path / "ours"
    enrol(ours, "stable", enrolled)
    held = await broker.held(PublishingSection())
    assert stock.follow(held, time.time())[1] == bundle_files(bundle)
    assert trusted_after(ours, held) == 1

    bens_new = two.ben.key()
    file = two.propose("root", "--key", read_public(two.bens.with_suffix(".pub")).keyid[:8],
                       "--new", bens_new.with_suffix(".pub"), "--with", two.annas)  # fmt: skip
    two.sign(file, two.bens, bens_new)
    two.accept(file)
    file = two.propose("targets", "snapshot", "timestamp", "--with", two.annas, name="third.json")
    two.sign(file, bens_new)  # the root that Ben kept is two versions old
    two.accept(file)
    await asyncio.to_thread(two.anna.types, "refresh")

    held = await broker.held(PublishingSection())
    assert stock.follow(held, time.time())[1] == bundle_files(bundle)
    assert trusted_after(ours, held) == 3


def trusted_after(folder: Path, held: dict[str, bytes]) -> int:
    """The version of the root that the agent's own client trusts after a look at the broker."""
    topics, trust, seen = ChannelTopics("stable"), ChannelTrust(folder, "stable"), dict[str, bytes | None]()
    while True:
        try:
            refresh(trust, seen, time.time(), Limits())
        except NeedError as need:
            seen[need.file] = held.get(topics.metadata(need.file))
        else:
            break
    return max(int(path.name.partition(".")[0]) for path in folder.glob("trust/stable/metadata/**/*.root.json"))


def test_copies_that_were_signed_apart_are_accepted_together(two: Two):
    file = two.propose()
    anothers = two.carried / "copy.json"
    shutil.copy(file, anothers)
    two.sign(file)
    two.anna.types("keys", "sign", anothers, "--with", two.annas, "--yes")
    refused(
        Reason.UNTRUSTED, lambda: two.accept(file), says="lacks signatures: 1 of the keys of root 1, 1 of the keys of"
    )
    two.accept(file, anothers)
    assert two.anna.told("keys", "show")["root"] == 2


def test_whoever_signs_is_told_which_keys_come_and_go_and_what_is_lacking(two: Two):
    before = two.anna.told("keys", "show")["roles"]
    new = two.ben.key()
    file = two.propose("root", "--key", before["root"]["keys"][1]["key"][:8], "--new", new.with_suffix(".pub"))
    told = two.sign(file).stdout
    assert "channel stable: root 2, after root 1" in told
    assert f"goes  {before['root']['keys'][1]['key'][:8]}" in told
    assert f"comes {read_public(new.with_suffix('.pub')).keyid}\n" in told
    assert "targets    1 of 1 signs; no key comes or goes" in told
    assert "holds until" in told
    assert "signed by   nobody yet" in told
    assert "keys sign" in told.splitlines()[-1]
    answer = two.anna.told("keys", "sign", file, "--with", two.annas, "--yes")
    assert answer["missing"] == {"previous": 0, "own": 1}  # Ben signed with the key that goes
    assert not answer["complete"]
    assert answer["changes"]["roles"]["root"]["go"] == [before["root"]["keys"][1]["key"]]
    told = two.sign(file, new).stdout
    assert "keys accept" in told.splitlines()[-1]
    assert two.anna.told("keys", "accept", file)["replaced"] == [before["root"]["keys"][1]["key"]]


def test_new_keys_that_were_made_at_the_proposal_sign_it_and_serve_once_it_is_accepted(two: Two):
    made = two.anna.told("keys", "propose", "root", "targets", "--out", two.carried / "all.json")
    assert made["missing"] == {"previous": 2, "own": 0}
    file = two.carried / "all.json"
    two.sign(file)
    two.anna.types("keys", "sign", file, "--with", two.annas, "--yes")
    two.accept(file)
    shown = two.anna.told("keys", "show")["roles"]
    assert all(key["file"] for key in [*shown["root"]["keys"], *shown["targets"]["keys"]])


def test_a_lowered_threshold_is_said(two: Two):
    file = two.propose()
    forge(file, lambda root: setattr(root.roles["root"], "threshold", 1))
    told = two.sign(file).stdout
    assert "root       1 of 3 signs instead of 2" in told


def test_a_public_key_is_what_openssh_writes_from_the_key_file(two: Two):
    line = two.bens.with_suffix(".pub").read_text()
    assert line.startswith("ssh-ed25519 ")
    assert two.bens.stem == f"root-{read_public(two.bens.with_suffix('.pub')).keyid[:8]}"


# --- what is refused; the channel and the file stay as they were ------------------------------------------------------


def forge(file: Path, change: Callable[[Root], object], *signers: CryptoSigner) -> None:
    """Changes the proposed root as somebody might who holds the file; signatures are those of these keys alone."""
    held = content(file)
    proposed = Metadata[Root].from_bytes(json.dumps(held["roots"][-1]).encode())
    change(proposed.signed)
    proposed.signatures.clear()
    for signer in signers:
        proposed.sign(signer, append=True)
    held["roots"][-1] = proposed.to_dict()
    file.write_text(json.dumps(held))


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
