// A headless Chromium that does what it is told: one JSON command a line on standard input, one JSON answer a line on
// standard output. {"do": "register", ...}: the functions of page.js. Ends with its input.
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';

const here = path.dirname(new URL(import.meta.url).pathname);
const options = JSON.parse(process.argv[2]);
const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'weir-browser-'));
const jssip = await build({
  entryPoints: [path.join(here, 'node_modules/jssip/lib/JsSIP.js')], bundle: true, format: 'iife', globalName: 'JsSIP',
  write: false, logLevel: 'error',
});

// A page from 127.0.0.1 is a secure context: it may ask for the microphone.
const pages = {
  '/': ['text/html', '<!doctype html><title>Weir</title><audio id="player" autoplay></audio><script src="/jssip.js"></script><script src="/page.js"></script>'],
  '/jssip.js': ['text/javascript', jssip.outputFiles[0].text],
  '/page.js': ['text/javascript', fs.readFileSync(path.join(here, 'page.js'), 'utf8')],
};
const server = http.createServer((request, response) => {
  const page = pages[request.url];
  if (!page) { response.statusCode = 404; response.end(); return; }
  response.setHeader('content-type', page[0]);
  response.end(page[1]);
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));

const context = await chromium.launchPersistentContext(profile, {
  executablePath: '/usr/bin/chromium', headless: true, chromiumSandbox: false, permissions: ['microphone'],
  ignoreHTTPSErrors: Boolean(options.any_certificate),
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--no-proxy-server', '--disable-dev-shm-usage', '--autoplay-policy=no-user-gesture-required',
    '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', `--use-file-for-fake-audio-capture=${options.tone}`],
});
const page = context.pages()[0] ?? await context.newPage();
page.on('pageerror', (error) => console.error(`page: ${error.message}`));
await page.goto(`http://127.0.0.1:${server.address().port}/`);

const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
answer({ ready: await page.evaluate(() => navigator.userAgent) });
for await (const line of readline.createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  try {
    const said = await page.evaluate(([name, argument]) => window.browser[name](argument), [command.do, command.with ?? null]);
    answer({ said: said ?? null });
  } catch (error) {
    answer({ failed: String(error.message || error).slice(0, 2000) });
  }
}
await context.close();
server.close();
fs.rmSync(profile, { recursive: true, force: true });
