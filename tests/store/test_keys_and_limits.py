"""Keys are told once and checked in constant time; requests of a minute are counted."""

import hmac

import pytest

from unclip.errors import InvalidArgument
from unclip.store import Allowance


def test_a_key_is_known_by_its_secret_until_it_is_revoked(store, clock):
    made = store.keys.create("laptop", requests_per_minute=60, pictures_per_day=5)
    assert made.secret.startswith("sk-unclip-")
    assert store.keys.verify(made.secret) == made.key
    assert (made.key.requests_per_minute, made.key.pictures_per_day) == (60, 5)
    other = store.keys.create("other")
    clock.now += 1
    assert store.keys.revoke(made.key.id)
    assert not store.keys.revoke(made.key.id)
    assert not store.keys.revoke("key-of-nobody")
    assert store.keys.verify(made.secret) is None
    assert store.keys.verify(other.secret) == other.key
    assert {key.name: key.revoked for key in store.keys.list()} == {
        "laptop": clock.now,
        "other": None,
    }


def test_no_other_secret_is_a_key_s(store):
    secret = store.keys.create("laptop").secret
    other = store.keys.create("other").secret
    mixed = other[:22] + secret[22:]  # the part that finds the row, and the wrong rest
    wrong = secret[:-1] + ("a" if secret[-1] != "a" else "b")
    for guess in (wrong, mixed, secret + "\n", secret[:-1], "", "sk-unclip-", "\ud800", "\0"):
        assert store.keys.verify(guess) is None


def test_a_secret_is_kept_and_shown_nowhere(sqlite_store, tmp_path):
    made = sqlite_store.keys.create("laptop")
    assert made.secret not in repr(made)
    assert made.secret[10:22] in made.key.id  # which part of it may be seen
    sqlite_store.backup(tmp_path / "all.tar")
    assert made.secret[22:].encode() not in (tmp_path / "all.tar").read_bytes()


def test_secrets_are_compared_in_constant_time(sqlite_store, monkeypatch):
    compared = []
    constant = hmac.compare_digest

    def watched(a, b):
        compared.append((a, b))
        return constant(a, b)

    monkeypatch.setattr(hmac, "compare_digest", watched)
    secret = sqlite_store.keys.create("laptop").secret
    for guess in (secret, "sk-unclip-" + 12 * "0" + secret[22:], "x"):
        sqlite_store.keys.verify(guess)
    assert len(compared) == 3
    assert {len(part) for pair in compared for part in pair} == {64}


@pytest.mark.parametrize("values", [{"name": " "}, {"name": "x" * 101}])
def test_a_key_has_a_name(sqlite_store, values):
    with pytest.raises(InvalidArgument, match="it may be 1 to 100 characters"):
        sqlite_store.keys.create(**values)


@pytest.mark.parametrize("argument", ["requests_per_minute", "pictures_per_day"])
def test_a_key_s_limits_are_numbers_above_0(sqlite_store, argument):
    with pytest.raises(InvalidArgument, match=f"{argument} is 0; it may be 1"):
        sqlite_store.keys.create("x", **{argument: 0})


def test_requests_run_out_and_come_back_one_by_one(store, clock):
    taken = [store.limits.take("me", 4) for _ in range(4)]
    assert [allowance.remaining for allowance in taken] == [3, 2, 1, 0]
    assert [allowance.reset_seconds for allowance in taken] == [15, 30, 45, 60]
    assert all(allowance.allowed for allowance in taken)
    for _ in range(3):  # asking in vain costs nothing
        assert store.limits.take("me", 4) == Allowance(4, 0, 15, False)
    clock.now += 14
    assert store.limits.take("me", 4) == Allowance(4, 0, 1, False)
    clock.now += 1
    assert store.limits.take("me", 4) == Allowance(4, 0, 60, True)
    assert store.limits.take("another", 4).remaining == 3
    clock.now += 3600
    assert store.limits.take("me", 4) == Allowance(4, 3, 15, True)


@pytest.mark.parametrize("per_minute", [1, 3, 7, 60, 600])
def test_exactly_so_many_are_allowed_at_once(sqlite_store, clock, per_minute):
    clock.now += 0.123
    taken = [sqlite_store.limits.take("me", per_minute) for _ in range(per_minute + 1)]
    assert [allowance.allowed for allowance in taken] == [True] * per_minute + [False]
    assert [allowance.remaining for allowance in taken[:-1]] == [*reversed(range(per_minute))]
