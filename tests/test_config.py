"""Settings: file < environment < flags, and errors that name the setting and the mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.cli import main
from monitor.commands.config import toml
from monitor.config import ConfigError, Settings, Table, load


def test_layers_lie_over_each_other(tmp_path: Path) -> None:
    file = tmp_path / "mxtap.toml"
    file.write_text('name = "file"\nupstream = "127.0.0.1:1"\n[tls]\nminimum = "TLSv1.3"\n')
    environ = {"MXTAP_NAME": "environment", "MXTAP_UPSTREAM": "127.0.0.1:2", "HOME": "/x"}
    settings = load(file, environ, {"upstream": "127.0.0.1:3"})
    assert (settings.name, settings.upstream) == ("environment", "127.0.0.1:3")
    assert settings.tls.minimum == "TLSv1.3"


def test_environment_reaches_tables_and_lists() -> None:
    environ = {"MXTAP_LISTEN": "127.0.0.1:1, [::1]:2", "MXTAP_GREYLIST_DELAY": "90"}
    settings = load(environ=environ)
    assert settings.listen == ("127.0.0.1:1", "[::1]:2")
    assert settings.greylist.delay == 90


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({"lisen": ["x"]}, "lisen is not a setting; did you mean listen?"),
        ({"tls": {"cipher": "x"}}, "tls.cipher is not a setting; did you mean ciphers?"),
        ({"upstream": "nowhere"}, "upstream = 'nowhere': 'nowhere' is not HOST:PORT"),
        ({"listen": ["127.0.0.1:99999"]}, "listen = '127.0.0.1:99999'"),
        ({"greylist": {"mode": "harsh"}}, "greylist.mode = 'harsh'"),
        ({"limits": {"sessions": 0}}, "limits.sessions = 0"),
        ({"limits": {"text_line": 997}}, "limits.text_line = 997"),
        ({"limits": {"text_line": -1}}, "limits.text_line = -1"),
    ],
)
def test_a_wrong_key_or_value_names_itself(flags: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(environ={}, flags=flags)
    assert told in str(caught.value)


def test_a_wrong_variable_or_file_names_itself(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="MXTAP_UPSTRAEM is not a setting; did you mean"):
        load(environ={"MXTAP_UPSTRAEM": "x"})
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "none.toml", {})
    broken = tmp_path / "broken.toml"
    broken.write_text("a = = b")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load(broken, {})


def test_printed_settings_give_the_same_settings_again(tmp_path: Path) -> None:
    settings = load(environ={}, flags={"listen": ["[::1]:25"], "local_domains": ["home.test"]})
    file = tmp_path / "again.toml"
    file.write_text("\n".join(toml(settings)))
    assert load(file, {}) == settings


def test_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--check"]) == 0
    assert main(["config", "--set", "nonsense=1"]) == 2
    assert "nonsense is not a setting" in capsys.readouterr().err
    assert main(["attach", "--state", str(tmp_path)]) == 1
    assert "mxtap run" in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        main(["no-such-command"])
    assert caught.value.code == 2


def test_lists_are_set_with_commas(capsys: pytest.CaptureFixture[str]) -> None:
    given = ("local_domains=a.test, b.test", "retry.soon=4,3,2,1", "local_domains=a.test,b.test")
    assert main(["config", *(word for text in given for word in ("--set", text))]) == 0
    told = capsys.readouterr().out
    assert 'local_domains = ["a.test", "b.test"]' in told
    assert "soon = [4.0, 3.0, 2.0, 1.0]" in told
    assert main(["config", "--set", "retry.soon=4,x,2,1"]) == 2
    assert "retry.soon" in capsys.readouterr().err


def test_every_setting_says_what_it_is() -> None:
    tables = [Settings, *(type(t) for _, t in Settings() if isinstance(t, Table))]
    told = {f"{t.__name__}.{k}": f.description for t in tables for k, f in t.model_fields.items()}
    nested = {f"Settings.{name}" for name, table in Settings() if isinstance(table, Table)}
    assert [name for name, text in told.items() if not text and name not in nested] == []


def test_the_settings_are_shown_with_what_they_are() -> None:
    lines = toml(Settings())
    at = lines.index('minimum = "TLSv1.2"')
    assert lines[at - 1] == "# The oldest version that clients may use."


def test_the_password_of_the_database_is_never_shown(capsys: pytest.CaptureFixture[str]) -> None:
    url = "postgresql+psycopg://mxtap:hush@db.test:5433/mail?sslmode=require&sslpassword=hush"
    settings = load(environ={"MXTAP_DATABASE": url})
    assert settings.database == url
    told = "\n".join((repr(settings), str(settings), settings.model_dump_json(), *toml(settings)))
    assert "hush" not in told
    assert "mxtap:...@db.test:5433/mail?sslmode=require&sslpassword=..." in told
    assert main(["config", "--set", f"database=mysql{url[10:]}"]) == 2
    complaint = capsys.readouterr().err
    assert "database = 'mysql" in complaint
    assert "hush" not in complaint
