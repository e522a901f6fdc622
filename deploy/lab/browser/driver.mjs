// A headless Chromium that does what it is told: one JSON command a line on standard input, one JSON answer a line on
// standard output. {"do": "register", "with": ...}: a function of the page's own window.browser; {"page": "click",
// "arguments": ["#call"]}: one of playwright's Page. Ends with its input.
//
// Its one argument, JSON: {url, or folder: a page that is served to it from 127.0.0.1, which is a secure context; profile:
// a folder for it alone; tone: a WAV file that its microphone hears; any_certificate: whether it believes all}.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import readline from 'node:readline';
import { chromium } from 'playwright-core';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript' };

async function serve(folder) {
  const server = http.createServer((request, response) => {
    const name = request.url === '/' ? 'index.html' : path.basename(request.url);
    const file = path.join(folder, name);
    if (!fs.existsSync(file)) { response.statusCode = 404; response.end(); return; }
    response.setHeader('content-type', TYPES[path.extname(name)] ?? 'application/octet-stream');
    response.end(fs.readFileSync(file));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  server.unref();
  return `http://127.0.0.1:${server.address().port}/`;
}

const options = JSON.parse(process.argv[2]);
const url = options.url ?? await serve(options.folder);
const context = await chromium.launchPersistentContext(options.profile, {
  executablePath: '/usr/bin/chromium', headless: true, chromiumSandbox: false, permissions: ['microphone', 'camera'],
  ignoreHTTPSErrors: Boolean(options.any_certificate), viewport: { width: 1280, height: 1000 },
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--no-proxy-server', '--disable-dev-shm-usage', '--autoplay-policy=no-user-gesture-required',
    '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', `--use-file-for-fake-audio-capture=${options.tone}`,
    // Else each of its connections is first broken off and then begun again.
    ...(options.any_certificate ? ['--ignore-certificate-errors'] : [])],
});
const page = context.pages()[0] ?? await context.newPage();
page.on('pageerror', (error) => console.error(`page: ${error.message}`));
page.on('console', (message) => { if (message.type() === 'error') console.error(`page: ${message.text()}`); });
await page.goto(url);

const obey = (command) => (command.page
  ? page[command.page](...command.arguments)
  : page.evaluate(([name, argument]) => window.browser[name](argument), [command.do, command.with ?? null]));

const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
answer({ ready: await page.evaluate(() => navigator.userAgent) });
for await (const line of readline.createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  try {
    const said = await obey(command);
    answer({ said: Buffer.isBuffer(said) ? null : said ?? null });
  } catch (error) {
    answer({ failed: String(error.message || error).slice(0, 2000) });
  }
}
await context.close();
