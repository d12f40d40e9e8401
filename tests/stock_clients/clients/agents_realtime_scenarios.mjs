// @openai/agents-realtime, wherever it runs. It tracks what was played, truncates and calls tools by itself.

const RATE = 24000;
const CHUNK_MS = 40;
const PATIENCE_MS = 30_000;
const BARGE_IN_AFTER_S = 1.5;
const TRANSCRIBED = 'conversation.item.input_audio_transcription.completed';

const report = (scenario, found) => console.log(JSON.stringify({ scenario, ...found }));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const plain = (error) => error?.error?.error ?? error?.error ?? error;

async function until(condition, what) {
  const ends = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = condition();
    if (found) return found;
    if (Date.now() > ends) throw new Error(`in ${PATIENCE_MS} ms there was no ${what}`);
    await sleep(10);
  }
}

/** Sends sound in real time without a pause, by absolute deadlines: silence, and speech where asked. */
class Microphone {
  #waiting = new Uint8Array(0);
  #open = true;

  say(pcm) {
    const more = new Uint8Array(this.#waiting.length + pcm.length);
    more.set(this.#waiting);
    more.set(pcm, this.#waiting.length);
    this.#waiting = more;
  }

  close() {
    this.#open = false;
  }

  async run(send) {
    const size = ((RATE * CHUNK_MS) / 1000) * 2;
    const began = Date.now();
    for (let sent = 0; this.#open; sent += CHUNK_MS) {
      const chunk = new Uint8Array(size);
      chunk.set(this.#waiting.subarray(0, size));
      this.#waiting = this.#waiting.subarray(size);
      send(chunk.buffer);
      await sleep(Math.max(0, began + sent + CHUNK_MS - Date.now()));
    }
  }
}

/** Plays one reply in real time from when it came, and knows how much of it came out. */
class Loudspeaker {
  received = 0;
  gaps = 0;
  #ends = 0;
  #stopped = null;

  play(bytes) {
    const now = performance.now();
    const seconds = bytes / 2 / RATE;
    if (this.received && this.#ends < now) this.gaps += (now - this.#ends) / 1000;
    this.received += seconds;
    this.#ends = Math.max(this.#ends, now) + seconds * 1000;
  }

  get played() {
    return this.#stopped ?? this.received - Math.max(0, this.#ends - performance.now()) / 1000;
  }

  get silent() {
    return performance.now() >= this.#ends;
  }

  stop() {
    this.#stopped = this.played;
    this.#ends = 0;
  }
}

/**
 * Performs every scenario. `library` and `z` are the modules '@openai/agents-realtime' and 'zod'; `address` is ws://…;
 * `question` and `interruption` are PCM of 16 bit at 24 kHz, as Uint8Array.
 */
export async function perform({ library, z, address, apiKey, question, interruption }) {
  const { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession, tool } = library;

  class Application {
    events = [];
    errors = [];
    demoted = [];
    loudspeakers = new Map();
    microphone = new Microphone();
    response = '';

    constructor({ tools = [], ...config } = {}) {
      this.transport = new OpenAIRealtimeWebSocket({ url: address });
      const agent = new RealtimeAgent({ name: 'Guide', instructions: 'Answer visitors.', tools });
      this.session = new RealtimeSession(agent, { transport: this.transport, config });
      this.transport.on('*', (event) => this.#note(event));
      this.session.on('error', (error) => this.errors.push(plain(error)));
      this.session.on('audio', (event) => {
        this.response = event.responseId;
        if (!this.loudspeakers.has(this.response)) this.loudspeakers.set(this.response, new Loudspeaker());
        this.loudspeaker.play(event.data.byteLength);
      });
      this.session.on('audio_interrupted', () => this.loudspeaker?.stop());
    }

    get loudspeaker() {
      return this.loudspeakers.get(this.response);
    }

    /** An event that the client's schemas refuse reaches "*" alone, without a word: it is noted as demoted. */
    #note(event) {
      this.events.push(event);
      let typed = false;
      const listener = () => (typed = true);
      this.transport.once(event.type, listener);
      queueMicrotask(() => {
        if (!typed) this.demoted.push(event.type);
        this.transport.off(event.type, listener);
      });
    }

    all(type) {
      return this.events.filter((event) => event.type === type);
    }

    async next(type, count = 1) {
      await until(() => this.all(type).length >= count, `${type} number ${count}`);
      return this.all(type)[count - 1];
    }

    said(type = 'response.output_audio_transcript.delta') {
      return this.all(type).map((event) => event.delta).join('');
    }

    /** What the SDK itself believes of an item. */
    history(itemId) {
      const item = this.session.history.find((one) => one.itemId === itemId);
      return (item?.content ?? []).map((part) => part.transcript ?? part.text ?? '').join('');
    }

    get complaints() {
      return [...this.errors.map((error) => JSON.stringify(error)), ...this.demoted.map((type) => `demoted: ${type}`)];
    }
  }

  async function conversation(config, act) {
    const it = new Application(config);
    await it.session.connect({ apiKey });
    const listening = it.microphone.run((pcm) => it.session.sendAudio(pcm));
    try {
      await it.next('session.updated', 2);
      await act(it);
    } finally {
      it.microphone.close();
      await listening;
      it.session.close();
    }
  }

  const scenarios = {
    talk: () =>
      conversation({}, async (it) => {
        it.microphone.say(question);
        const heard = await it.next(TRANSCRIBED);
        const done = await it.next('response.done');
        await until(() => it.loudspeaker.silent, 'end of the sound');
        report('talk', {
          heard: heard.transcript,
          said: it.said(),
          final: it.history(done.response.output[0].id),
          audio_s: it.loudspeaker.received,
          errors: it.complaints,
        });
      }),

    tool: async () => {
      const called = [];
      const lookUp = tool({
        name: 'look_up_exhibit',
        description: 'Tells in which room an exhibit is.',
        parameters: z.object({ exhibit: z.string() }),
        execute: async (given) => {
          called.push({ name: 'look_up_exhibit', arguments: given });
          return 'room twelve';
        },
      });
      await conversation({ tools: [lookUp] }, async (it) => {
        it.session.sendMessage('Where is the whale?');
        await it.next('response.done', 2);
        report('tool', {
          called: called[0],
          said: it.said(),
          audio_s: it.loudspeaker.received,
          errors: it.complaints,
        });
      });
    },

    text: () =>
      conversation({ outputModalities: ['text'] }, async (it) => {
        it.session.sendMessage('When are you open?');
        const done = await it.next('response.done');
        report('text', {
          said: it.said('response.output_text.delta'),
          final: it.history(done.response.output[0].id),
          audio: it.all('response.output_audio.delta').length,
          errors: it.complaints,
        });
      }),

    bad_event: () =>
      conversation({}, async (it) => {
        it.transport.sendEvent({ type: 'visavis.no_such_event', event_id: 'bad_1' });
        it.transport.sendEvent({ type: 'conversation.item.retrieve', event_id: 'bad_2' });
        it.transport.connectionState.websocket.send('{this is not JSON');
        await it.next('error', 3);
        it.session.sendMessage('Hello.');
        await it.next('response.done');
        report('bad_event', {
          errors: it.all('error').map(({ error }) => [error.type, error.code, error.event_id ?? null]),
          said: it.said(),
        });
      }),

    barge_in: () =>
      conversation({}, async (it) => {
        it.microphone.say(question);
        await until(() => it.loudspeaker?.played > BARGE_IN_AFTER_S, 'sound');
        const interrupted = it.loudspeaker;
        const began = interrupted.played;
        it.microphone.say(interruption);
        const truncated = await it.next('conversation.item.truncated');
        const answers = () =>
          it.all('conversation.item.retrieved').filter((event) => event.item.id === truncated.item_id);
        await until(() => answers().length, "answer to the SDK's own conversation.item.retrieve");
        const heard = await it.next(TRANSCRIBED, 2);
        await it.next('response.output_audio.delta', it.all('response.output_audio.delta').length + 1);
        report('barge_in', {
          began_s: began,
          played_s: interrupted.played,
          gaps_s: interrupted.gaps,
          truncated_s: truncated.audio_end_ms / 1000,
          remembered: answers().at(-1).item.content[0].transcript,
          status: it.all('response.done')[0].response.status,
          heard: heard.transcript,
          said_next: it.all('response.output_audio_transcript.delta').at(-1).delta,
          errors: it.complaints,
        });
      }),
  };

  async function performOne(name) {
    try {
      await scenarios[name]();
    } catch (error) {
      console.error(error);
      report(name, { failed: String(error) });
    }
  }

  await Promise.all(['tool', 'text', 'bad_event'].map(performOne));
  for (const spoken of ['talk', 'barge_in']) await performOne(spoken);
}
