/** What the visitor chose, kept in the browser. "" is the default of each. */
export interface Choices {
  microphone: string;
  speaker: string;
  volume: number;
  muted: boolean;
  voice: string;
  language: string;
  head: string;
  captions: boolean;
  dismissed: string[];
}

const KEY = "visavis.settings";
const DEFAULTS: Choices = {
  microphone: "",
  speaker: "",
  volume: 1,
  muted: false,
  voice: "",
  language: "",
  head: "",
  captions: true,
  dismissed: [],
};

/** The part of localStorage that is used. */
export interface Store {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

export class Settings {
  readonly values: Readonly<Choices>;
  private readonly listeners: ((key: keyof Choices) => void)[] = [];

  constructor(private readonly store: Store | null) {
    this.values = { ...DEFAULTS, ...this.read() };
  }

  listen(listener: (key: keyof Choices) => void): void {
    this.listeners.push(listener);
  }

  set<K extends keyof Choices>(key: K, value: Choices[K]): void {
    (this.values as Choices)[key] = value;
    try {
      this.store?.setItem(KEY, JSON.stringify(this.values));
    } catch {
      // Full, or forbidden: the choice holds until the page closes.
    }
    for (const listener of this.listeners) listener(key);
  }

  /** What was stored, of the right types only: it may be another version's. */
  private read(): Partial<Choices> {
    let stored: unknown;
    try {
      stored = JSON.parse(this.store?.getItem(KEY) ?? "{}");
    } catch {
      return {};
    }
    if (typeof stored !== "object" || stored === null) return {};
    const fits = ([key, value]: [string, unknown]) => {
      const like = DEFAULTS[key as keyof Choices];
      if (Array.isArray(like)) return Array.isArray(value) && value.every((each) => typeof each === "string");
      return typeof value === typeof like;
    };
    return Object.fromEntries(Object.entries(stored).filter(fits)) as Partial<Choices>;
  }
}

/** localStorage, or null where the browser forbids it. */
export function browserStore(): Store | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}
