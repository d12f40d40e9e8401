import { byId, fillSelect } from "./dom";
import { chosenHead, hears, languageName, speaks, type Info } from "./info";
import type { Choices, Settings } from "./settings";

/** The settings: they take effect as they are changed. */
export class SettingsSheet {
  private readonly dialog = byId<HTMLDialogElement>("settings");
  private info: Info | null = null;

  constructor(
    private readonly settings: Settings,
    private readonly canChooseSpeaker: boolean,
  ) {
    byId("open-settings").addEventListener("click", () => this.open());
    // A click beside the sheet closes it.
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    navigator.mediaDevices?.addEventListener?.("devicechange", () => void this.fillDevices());
    this.bind();
  }

  setInfo(info: Info): void {
    this.info = info;
    this.fillVoices();
  }

  private open(): void {
    this.fillVoices();
    void this.fillDevices();
    this.dialog.showModal();
  }

  private bind(): void {
    const { settings } = this;
    for (const key of ["microphone", "speaker", "voice", "head", "language"] as const) {
      const select = byId<HTMLSelectElement>(`set-${key}`);
      select.addEventListener("change", () => {
        settings.set(key, select.value);
        if (key === "language") this.languageChanged();
      });
    }
    for (const key of ["captions", "muted"] as const) {
      const box = byId<HTMLInputElement>(`set-${key}`);
      box.checked = settings.values[key];
      box.addEventListener("change", () => settings.set(key, box.checked));
    }
    const volume = byId<HTMLInputElement>("set-volume");
    volume.value = String(settings.values.volume);
    volume.addEventListener("input", () => settings.set("volume", volume.valueAsNumber));
  }

  /** The chosen language's own voices come first; a voice of another language gives way. */
  private languageChanged(): void {
    const voice = this.info?.voices.find(({ id }) => id === this.settings.values.voice);
    if (voice && !speaks(voice.language, this.settings.values.language)) this.settings.set("voice", "");
    this.fillVoices();
  }

  private fillVoices(): void {
    const { info, settings } = this;
    if (!info) return;
    const { language, voice, head } = settings.values;
    const languages = info.languages.map((tag): [string, string] => [tag, languageName(tag)]);
    const chosen = language || info.language;
    fillSelect(byId("set-language"), languages, chosen);
    const voices = info.voices.filter((each) => speaks(each.language, chosen));
    const options = voices.map((each): [string, string] => [each.id, `${each.name} · ${each.language}`]);
    fillSelect(byId("set-voice"), [["", "Automatic"], ...options], voice);
    const heads = info.heads.map((each): [string, string] => [each.name, each.title]);
    fillSelect(byId("set-head"), heads, chosenHead(info, head)?.name ?? "");
    byId("head-field").hidden = heads.length < 2;
    const hint = byId("language-hint");
    hint.hidden = hears(info, chosen);
    hint.textContent = `It speaks ${languageName(chosen)} but cannot hear it yet: type, and it answers aloud.`;
  }

  private async fillDevices(): Promise<void> {
    const devices = (await navigator.mediaDevices?.enumerateDevices?.().catch(() => [])) ?? [];
    const fill = (kind: MediaDeviceKind, key: keyof Choices & ("microphone" | "speaker"), noun: string) => {
      const isOwn = (device: MediaDeviceInfo) => device.deviceId !== "" && device.deviceId !== "default";
      const known = devices.filter((device) => device.kind === kind && isOwn(device));
      const options = known.map((device, i): [string, string] => [device.deviceId, device.label || `${noun} ${i + 1}`]);
      fillSelect(byId(`set-${key}`), [["", "System default"], ...options], this.settings.values[key]);
    };
    fill("audioinput", "microphone", "Microphone");
    fill("audiooutput", "speaker", "Speaker");
    byId("speaker-field").hidden = !this.canChooseSpeaker;
  }
}
