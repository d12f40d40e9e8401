"""The commands and their options. What they do lives in serve.py, agent/doctor.py and agent/offline.py."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Literal

import typer

from agent.cli import bank_app, consent_app
from agent.cli.common import FAILED, ConfigOption, SetOption, plain_errors, settings_from

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A digital human you run yourself: it hears, thinks, answers aloud, and its face moves with its voice.",
)

app.add_typer(bank_app.app, name="bank")
app.add_typer(consent_app.app, name="consent")

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
LanguageOption = Annotated[str | None, typer.Option(help="en or zh.")]
VoiceOption = Annotated[str | None, typer.Option(help="A voice's id; `visavis say --list-voices` lists them.")]
KnowledgeOption = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Answer from these Markdown and text files.")
]
AudioOutOption = Annotated[Path | None, typer.Option("--out", "-o", metavar="OUT.wav", help="Write the speech here.")]
FaceOutOption = Annotated[
    Path | None, typer.Option("--face", metavar="FACE.jsonl", help="Write the face here: 60 frames a second.")
]


def _show_version(wanted: bool) -> None:
    if wanted:
        try:
            print(version("visavis"))
        except PackageNotFoundError:
            print("not installed: run from its sources")
        raise typer.Exit


@app.callback()
def _all(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command(epilog="Example: visavis serve --port 9000 --knowledge ./my-documents --no-browser")
def serve(
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on. [dim]default: 127.0.0.1[/]")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes any free one. [dim]default: 8080[/]")] = None,
    config: ConfigOption = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open the page in a browser.")] = False,
    tls: Annotated[
        bool,
        typer.Option("--tls", help="HTTPS, self-signed unless a certificate is given: microphones over a LAN need it."),
    ] = False,
    tls_certificate: Annotated[Path | None, typer.Option(metavar="FILE.pem", help="Your own certificate.")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE.pem", help="Its private key.")] = None,
    language: LanguageOption = None,
    voice: VoiceOption = None,
    knowledge: KnowledgeOption = None,
    record: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Record every conversation here: personal data.")
    ] = None,
    set_: SetOption = None,
) -> None:
    """Start the server and open the page: speak to the person, and it answers."""
    with plain_errors():
        settings = settings_from(
            config,
            set_,
            server__host=host,
            server__port=port,
            server__tls=tls or tls_certificate is not None or None,
            server__tls_certificate=tls_certificate,
            server__tls_key=tls_key,
            language=language,
            voice__name=voice,
            knowledge__folder=knowledge,
            recording__folder=record,
        )
        from agent.cli import serve as serving  # noqa: PLC0415

        serving.run(settings, open_browser=not no_browser)


@app.command("record", epilog="Example: visavis record ./recordings")
def record_(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where each conversation's recording goes.")],
    *,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes any free one. [dim]default: 8080[/]")] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open the page in a browser.")] = False,
    config: ConfigOption = None,
    set_: SetOption = None,
) -> None:
    """Serve and record every conversation, for `visavis replay`: the same as `visavis serve --record FOLDER`."""
    with plain_errors():
        settings = settings_from(config, set_, server__port=port, recording__folder=folder)
        from agent.cli import serve as serving  # noqa: PLC0415

        serving.run(settings, open_browser=not no_browser)


@app.command(epilog="Example: visavis replay recordings/20260102-101500-1a2b3c4d.visavis.gz --rerun asr")
def replay(
    recording: Annotated[Path, typer.Argument(metavar="FILE|FOLDER", help="A recording; of a folder, a list.")],
    *,
    rerun: Annotated[
        Literal["asr", "llm", "tts"] | None, typer.Option(help="Run this engine again, and show what differs.")
    ] = None,
    without_personal_data: Annotated[
        Path | None, typer.Option(metavar="OUT", help="Write a copy without sound and words, for a bug report.")
    ] = None,
    config: ConfigOption = None,
    set_: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Feed a recorded conversation to the core again and prove that it does the same. Exit code 1 if it does not."""
    with plain_errors():
        from agent.cli import replay as replaying  # noqa: PLC0415

        if recording.is_dir():
            replaying.listing(recording, as_json=as_json)
        elif without_personal_data is not None:
            replaying.copy_without_personal_data(recording, without_personal_data, as_json=as_json)
        elif rerun is not None:
            replaying.rerun(settings_from(config, set_), recording, rerun, as_json=as_json)
        elif not replaying.prove(recording, as_json=as_json):
            raise typer.Exit(FAILED)


@app.command(epilog="Example: visavis doctor")
def doctor(*, config: ConfigOption = None, set_: SetOption = None, as_json: JsonOption = False) -> None:
    """Say what is installed, what is missing and what each engine needs. Exit code 1 if the settings cannot run."""
    with plain_errors():
        from agent.cli import report  # noqa: PLC0415

        raise typer.Exit(report.run(settings_from(config, set_), as_json=as_json))


@app.command(epilog="Example: visavis reply question.wav --out answer.wav --face answer.jsonl")
def reply(
    question: Annotated[Path, typer.Argument(metavar="QUESTION.wav", help="Speech in any format.")],
    *,
    out: AudioOutOption = None,
    face_out: FaceOutOption = None,
    voice: VoiceOption = None,
    language: LanguageOption = None,
    knowledge: KnowledgeOption = None,
    config: ConfigOption = None,
    set_: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hear a recording, answer it, and write the answer's speech and face: a conversation without a browser."""
    with plain_errors():
        settings = settings_from(config, set_, voice__name=voice, language=language, knowledge__folder=knowledge)
        from agent.cli import speech  # noqa: PLC0415

        speech.reply(settings, question, out, face_out, as_json=as_json)


@app.command(epilog='Example: visavis say "Good morning." --out morning.wav --face morning.jsonl')
def say(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to say.")] = "",
    *,
    out: AudioOutOption = None,
    face_out: FaceOutOption = None,
    voice: VoiceOption = None,
    language: LanguageOption = None,
    list_voices: Annotated[bool, typer.Option("--list-voices", help="List the voices and exit.")] = False,
    config: ConfigOption = None,
    set_: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say a text: into a file, or aloud when none is given."""
    with plain_errors():
        settings = settings_from(config, set_, voice__name=voice, language=language)
        from agent.cli import speech  # noqa: PLC0415

        if list_voices:
            speech.list_voices(settings, as_json=as_json)
        else:
            speech.say(settings, text, out, face_out, as_json=as_json)


@app.command(epilog='Example: visavis face speech.wav --text "Good morning." --out morning.jsonl')
def face(
    speech_file: Annotated[Path, typer.Argument(metavar="SPEECH.wav", help="Speech in any format.")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FACE.jsonl", help="Write the face here.")],
    text: Annotated[str, typer.Option(help="What is said in it, where it is known: the lips get better.")] = "",
    language: LanguageOption = None,
    streaming: Annotated[
        bool, typer.Option("--streaming", help="Look no further ahead than a live conversation does.")
    ] = False,
    config: ConfigOption = None,
    set_: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the face that belongs to a recording of speech."""
    with plain_errors():
        settings = settings_from(config, set_, language=language)
        from agent.cli import speech  # noqa: PLC0415

        speech.face(settings, speech_file, text, out, streaming=streaming, as_json=as_json)
