"""Key files and their passphrases."""

from __future__ import annotations

import shutil
import stat
import subprocess
from functools import partial
from pathlib import Path

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from publishing_desk import PASSPHRASE

from cloud_trainer.publishing.keys import KeyFiles, short
from cloud_trainer.publishing.passphrases import SHORTEST, VARIABLE, Passphrases, choose
from models.errors import DeliveryError, Reason


@pytest.fixture
def files(tmp_path: Path) -> KeyFiles:
    return KeyFiles([tmp_path / "keys"], rounds=1)


def test_a_key_signs_after_it_was_put_down_and_taken_up(files: KeyFiles):
    made = files.create("targets", PASSPHRASE)
    loaded = files.load(made.public_key, Passphrases(PASSPHRASE), what="the role targets")
    signature = loaded.sign(b"content")
    made.public_key.verify_signature(signature, b"content")


def test_a_key_file_is_its_owners_alone_and_holds_no_readable_key(files: KeyFiles):
    path = files.path(files.create("root", PASSPHRASE).public_key)
    assert path is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.read_bytes().startswith(b"-----BEGIN OPENSSH PRIVATE KEY-----")


def test_openssh_opens_a_key_file_so_that_its_passphrase_can_be_changed(files: KeyFiles):
    if shutil.which("ssh-keygen") is None:
        pytest.skip("needs ssh-keygen")
    made = files.create("root", PASSPHRASE)
    path = files.path(made.public_key)
    changed = ["ssh-keygen", "-q", "-p", "-P", PASSPHRASE, "-N", "another passphrase", "-f", str(path)]
    subprocess.run(changed, check=True, capture_output=True)
    files.load(made.public_key, Passphrases("another passphrase"), what="the role root")


def test_a_wrong_passphrase_is_refused(files: KeyFiles):
    made = files.create("root", PASSPHRASE)
    with pytest.raises(DeliveryError, match=r"does not open .*root-") as caught:
        files.load(made.public_key, Passphrases("something else"), what="the role root")
    assert caught.value.reason is Reason.REFUSED


def _ecdsa() -> bytes:
    encryption = BestAvailableEncryption(PASSPHRASE.encode())
    return generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption)


def _pkcs8() -> bytes:
    return generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    "content",
    [b"", b"no key", b"\x00" * 400, b"-----BEGIN OPENSSH PRIVATE KEY-----\n", _ecdsa(), _pkcs8()],
    ids=["empty", "text", "zeros", "cut", "of-another-kind", "of-another-format"],
)
def test_what_is_no_key_file_is_named(content: bytes, files: KeyFiles):
    made = files.create("root", PASSPHRASE)
    path = files.path(made.public_key)
    assert path is not None
    path.write_bytes(content)
    with pytest.raises(DeliveryError, match=str(path)) as caught:
        files.load(made.public_key, Passphrases(PASSPHRASE), what="the role root")
    assert caught.value.reason is Reason.CORRUPT


def test_without_the_library_of_the_key_derivation_the_remedy_names_it(
    files: KeyFiles, monkeypatch: pytest.MonkeyPatch
):
    key = files.create("targets", PASSPHRASE).public_key

    def lacking(*_arguments: object) -> bytes:
        raise UnsupportedAlgorithm("Need bcrypt module")

    monkeypatch.setattr("cryptography.hazmat.primitives.serialization.ssh._bcrypt_kdf", lacking)
    open_it = partial(files.load, key, Passphrases(PASSPHRASE), what="the role targets")
    for act in (partial(files.create, "targets", PASSPHRASE), open_it):
        with pytest.raises(DeliveryError) as refused:
            act()
        assert refused.value.reason is Reason.UNSUPPORTED
        assert "attune[publish]" in refused.value.remedy


def test_a_key_file_cut_anywhere_is_refused(files: KeyFiles):
    made = files.create("root", PASSPHRASE)
    path = files.path(made.public_key)
    assert path is not None
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, 23):
        path.write_bytes(whole[:length])
        with pytest.raises(DeliveryError):
            files.load(made.public_key, Passphrases(PASSPHRASE), what="the role root")


def test_another_keys_file_under_the_name_is_told(files: KeyFiles):
    first, second = files.create("root", PASSPHRASE), files.create("root", PASSPHRASE)
    path, other = files.path(first.public_key), files.path(second.public_key)
    assert path is not None
    assert other is not None
    other.replace(path)
    with pytest.raises(DeliveryError, match=short(second.public_key.keyid)) as caught:
        files.load(first.public_key, Passphrases(PASSPHRASE), what="the role root")
    assert caught.value.reason is Reason.UNTRUSTED


def test_a_key_that_is_nowhere_is_missed_with_its_name(files: KeyFiles, tmp_path: Path):
    made = files.create("root", PASSPHRASE)
    with pytest.raises(DeliveryError, match=f"{short(made.public_key.keyid)}.key of the role root") as caught:
        KeyFiles([tmp_path / "elsewhere"]).load(made.public_key, Passphrases(PASSPHRASE), what="the role root")
    assert caught.value.reason is Reason.MISSING
    assert "--keys" in caught.value.remedy


# --- passphrases ------------------------------------------------------------------------------------------------------


class Typist:
    """Somebody at the terminal."""

    def __init__(self, *words: str) -> None:
        self.words, self.asked = list(words), list[str]()

    def __call__(self, question: str) -> str:
        self.asked.append(question)
        return self.words.pop(0)


def test_a_file_comes_before_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(VARIABLE, "from the variable")
    assert Passphrases.find(None).known == "from the variable"
    (tmp_path / "passphrase").write_text("from the file\nand more\n")
    assert Passphrases.find(tmp_path / "passphrase").known == "from the file"


@pytest.mark.parametrize("content", [None, b"", b"\nsecond line", b"\xff\xfe"])
def test_a_file_without_a_passphrase_is_named(content: bytes | None, tmp_path: Path):
    path = tmp_path / "passphrase"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DeliveryError, match=str(path)):
        Passphrases.find(path)


def test_at_the_terminal_a_mistake_may_be_made_twice(files: KeyFiles):
    made = files.create("root", PASSPHRASE)
    typist = Typist("one", "two", PASSPHRASE)
    passphrases = Passphrases(None, typist)
    files.load(made.public_key, passphrases, what="the role root")
    assert passphrases.known == PASSPHRASE
    assert typist.asked == [f"Passphrase of root-{short(made.public_key.keyid)}.key: "] * 3
    with pytest.raises(DeliveryError, match="does not open"):
        files.load(made.public_key, Passphrases(None, Typist("one", "two", "three")), what="the role root")


def test_a_file_with_another_passphrase_is_asked_for(files: KeyFiles):
    made = files.create("root", PASSPHRASE)
    files.load(made.public_key, Passphrases("that of the others", Typist(PASSPHRASE)), what="the role root")


def test_without_a_terminal_the_remedy_names_variable_and_option(files: KeyFiles):
    made = files.create("root", PASSPHRASE)
    with pytest.raises(DeliveryError, match="no terminal to ask at") as caught:
        files.load(made.public_key, Passphrases(), what="the role root")
    assert caught.value.reason is Reason.REFUSED
    assert VARIABLE in caught.value.remedy
    assert "--passphrase-file" in caught.value.remedy


def test_a_new_passphrase_is_typed_twice():
    assert choose(Passphrases(), Typist(PASSPHRASE, PASSPHRASE), "the keys") == PASSPHRASE
    with pytest.raises(DeliveryError, match="differ"):
        choose(Passphrases(), Typist(PASSPHRASE, "mistyped"), "the keys")


@pytest.mark.parametrize("known", [None, "short"])
def test_a_short_passphrase_is_refused(known: str | None):
    with pytest.raises(DeliveryError, match="has 5 characters") as caught:
        choose(Passphrases(known), Typist("short"), "the keys")
    assert caught.value.reason is Reason.WRONG_VALUE
    assert str(SHORTEST) in caught.value.remedy


def test_without_a_terminal_there_is_no_new_passphrase():
    with pytest.raises(DeliveryError, match="no terminal"):
        choose(Passphrases(), None, "the keys")
