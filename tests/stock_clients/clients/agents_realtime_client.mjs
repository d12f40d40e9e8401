// @openai/agents-realtime under Node. The package is found in the working directory, which is its environment.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { perform } from './agents_realtime_scenarios.mjs';

const installed = createRequire(join(process.cwd(), 'package.json'));
const [url, speech] = process.argv.slice(2);

await perform({
  library: installed('@openai/agents-realtime'),
  z: installed('zod').z,
  address: `${url.replace('http', 'ws')}/v1/realtime?model=visavis`,
  apiKey: 'unused',
  question: readFileSync(join(speech, 'question.pcm')),
  interruption: readFileSync(join(speech, 'interruption.pcm')),
});
process.exit(0);
