import os
import re
from pathlib import Path

import pytest

from agent.config import ConfigError, Settings
from agent.config_sources import load


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without a visavis.toml, and an environment without our variables."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.upper().startswith("VISAVIS_")]:
        monkeypatch.delenv(name)


def write(text: str, folder: Path = Path()) -> Path:
    path = folder / "visavis.toml"
    path.write_text(text)
    return path


def test_later_sources_win(monkeypatch: pytest.MonkeyPatch) -> None:
    write('language = "zh"\n[server]\nport = 1\n[voice]\nspeed = 1.2\nname = "a"')
    monkeypatch.setenv("VISAVIS_SERVER__PORT", "2")
    monkeypatch.setenv("VISAVIS_VOICE__NAME", "b")
    settings = load(overrides={"server": {"port": 3}})
    assert (settings.language, settings.voice.speed, settings.voice.name, settings.server.port) == ("zh", 1.2, "b", 3)


def test_defaults_do_not_depend_on_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    write("[server]\nport = 1")
    monkeypatch.setenv("VISAVIS_LANGUAGE", "zh")
    assert Settings() == Settings(language="en")
    assert Settings().server.port == 8080


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[server]\nprot = 1", "unknown key server.prot (did you mean server.port?)"),
        ("[sever]\nport = 1", "unknown key sever (did you mean server?)"),
        ("[server]\nport = 99999", "server.port = 99999: Input should be less than or equal to 65535"),
        (
            '[engines]\ntts = "siri"',
            "engines.tts = 'siri': Input should be 'auto', 'flite', 'espeak' or 'openai_speech'",
        ),
        ("server = 3", "server must be a table with some of: host, port, "),
        ("[server]\ntls_key = 'key.pem'", "server: tls_certificate and tls_key must be given together"),
        ("[server]\nhost = '0.0.0.0'", "server: host 0.0.0.0 is open to others and needs a token"),
        ("[engines.options.espeak]\nrate = [1]", "engines.options.espeak.rate = [1]: must be a string, a number"),
        (
            "[engines.options.espeek]\nrate = 1",
            "unknown key engines.options.espeek (did you mean engines.options.espeak?)",
        ),
        ('[engines]\nllm = ["openai", "oracle"]', "engines.llm.1 = 'oracle': Input should be 'grounded' or 'openai'"),
        ('[engines]\nllm = ["openai", "openai"]', "names one twice"),
        ('[engines]\nllm = ["grounded", "openai"]', "grounded always answers, so it must be the last"),
        ('[engines.options.openai_speech]\nvoices = ["a:en", "a:en"]', "names one twice"),
        ("[engines]\nllm = []", "should have at least 1 item"),
        ("[engines.options.openai]\nbase_url = 'ftp://x'", "base_url = 'ftp://x': must be an address such as http://"),
        ("[engines.options.openai]\nbase_url = 'http://x/v1/models'", "must end before /models"),
        ("[engines.options.openai]\nmodell = 'x'", "unknown key engines.options.openai.modell (did you mean"),
        ("[engines.options.openai.body]\nstream = false", "engines.options.openai: body cannot set stream"),
        ("[engines.options.openai_speech]\nvoices = ['a:b:c:d']", "must be name:language:gender, such as"),
        ("[server", "not valid TOML"),
    ],
)
def test_an_error_is_one_line_naming_file_key_and_cause(text: str, message: str) -> None:
    path = write(text)
    with pytest.raises(ConfigError) as error:
        load(path)
    line = str(error.value)
    assert line.startswith(f"{path}: ")
    assert message in line
    assert "\n" not in line


def test_an_error_names_where_the_value_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    write("[server]\nport = 1")
    monkeypatch.setenv("VISAVIS_SERVER__PORT", "many")
    with pytest.raises(ConfigError, match=r"^environment variable VISAVIS_SERVER__PORT: server\.port = 'many'"):
        load()
    monkeypatch.setenv("VISAVIS_SERVER__PORT", "2")
    with pytest.raises(ConfigError, match=r"^command line: server\.port = -1"):
        load(overrides={"server": {"port": -1}})


def test_a_file_that_was_named_must_be_there() -> None:
    with pytest.raises(ConfigError, match=r"^nowhere\.toml: No such file"):
        load(Path("nowhere.toml"))


def test_the_token_has_a_short_name_and_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_TOKEN", "hush-hush-hush-hush")
    settings = load(overrides={"server": {"host": "0.0.0.0"}})
    assert settings.server.token.get_secret_value() == "hush-hush-hush-hush"
    assert "hush-hush-hush-hush" not in repr(settings)
    with pytest.raises(ConfigError) as error:
        load(overrides={"server": {"token": ["hush-hush-hush-hush"]}})
    assert "hush-hush-hush-hush" not in str(error.value)


def test_a_token_that_could_be_guessed_is_refused_where_others_can_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_TOKEN", "short")
    with pytest.raises(ConfigError, match=r"^environment variable VISAVIS_TOKEN: server\.token: .* at least 16"):
        load(overrides={"server": {"host": "0.0.0.0"}})
    with pytest.raises(ConfigError, match=r"^command line: server\.token: "):
        load(overrides={"server": {"host": "0.0.0.0", "token": "short-too"}})
    assert load().server.token.get_secret_value() == "short"


def test_variables_that_other_programs_set_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_PORT", "tcp://10.0.0.1:80")  # what Kubernetes sets for a service named visavis
    monkeypatch.setenv("VISAVIS_SERVICE_HOST", "10.0.0.1")
    assert load() == Settings()


def test_lists_in_the_environment_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_SERVER__ALLOWED_HOSTS", "one.example, two.example")
    assert load().server.allowed_hosts == ("one.example", "two.example")


def test_paths_count_from_the_file_that_names_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "owner"
    folder.mkdir()
    path = write('[knowledge]\nfolder = "documents"\n[avatar]\nbehaviour = "mine.toml"', folder)
    monkeypatch.chdir("/")
    assert load(path).knowledge.folder == folder / "documents"
    assert load(path).avatar.behaviour == folder / "mine.toml"


def test_options_given_as_text_are_what_they_read_as() -> None:
    given = {"streams": "4", "gain": "0.5", "fast": "true", "model": "small"}
    options = load(overrides={"engines": {"options": {"pocketsphinx": given}}}).engines.options.pocketsphinx
    assert options == {"streams": 4, "gain": 0.5, "fast": True, "model": "small"}
    assert isinstance(options["streams"], int)


def test_one_engine_or_several_may_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(write('[engines]\nllm = "openai"')).engines.llm == ("openai",)
    monkeypatch.setenv("VISAVIS_ENGINES__LLM", "openai, grounded")
    assert load().engines.llm == ("openai", "grounded")


def test_a_servers_key_comes_from_the_environment_and_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_ENGINES__OPTIONS__OPENAI__API_KEY", "sk-hush")
    settings = load(write("[engines.options.openai]\nbase_url = 'http://127.0.0.1:1/v1/'"))
    server = settings.engines.options.openai
    assert server.api_key.get_secret_value() == "sk-hush"
    assert server.base_url == "http://127.0.0.1:1/v1"
    assert server.is_loopback
    assert "sk-hush" not in repr(settings)
    with pytest.raises(ConfigError) as error:
        load(overrides={"engines": {"options": {"openai": {"api_key": ["sk-hush"]}}}})
    assert "sk-hush" not in str(error.value)
    with pytest.raises(ConfigError, match="must not hold a password") as error:
        load(overrides={"engines": {"options": {"openai": {"base_url": "https://me:sk-hush@x/v1"}}}})
    assert "sk-hush" not in str(error.value)


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("https://api.openai.com/v1", "sk-hush"),
        ("http://127.0.0.1:11434/v1", ""),
        ("https://api.openai.com.example.org/v1", ""),
        ("https://example.org/api.openai.com/v1", ""),
    ],
)
def test_openais_own_variable_counts_for_openais_own_address(
    monkeypatch: pytest.MonkeyPatch, address: str, key: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-hush")
    settings = load(overrides={"engines": {"options": {"openai": {"base_url": address}}}})
    assert settings.engines.options.openai.api_key.get_secret_value() == key


def test_a_key_of_ones_own_comes_before_openais_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-theirs")
    table = {"base_url": "https://api.openai.com/v1", "api_key": "sk-own"}
    settings = load(overrides={"engines": {"options": {"openai": table}}})
    assert settings.engines.options.openai.api_key.get_secret_value() == "sk-own"


def test_what_the_page_on_engines_shows_can_be_read() -> None:
    page = (Path(__file__).parents[1] / "docs" / "engines.md").read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        load(write(example))
    for line in re.findall(r"`((?:body|base_url|model|voices|knowledge) = [^`]+)`", page):
        speaks = re.match("voices|base_url = .*openai|model = .*tts|body.*instructions", line)
        load(write(f"[engines.options.{'openai_speech' if speaks else 'openai'}]\n{line}"))
