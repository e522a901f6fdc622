// The page: what is typed and clicked goes to the phone, what the phone tells is shown.
'use strict';

const STATISTICS_MS = 500;
const MESSAGES_MAX = 200;

const at = (id) => document.getElementById(id);
const say = (id, text, quality) => {
  at(id).textContent = text === '' || text === null ? '–' : text;
  if (quality !== undefined) at(id).className = quality ? 'good' : 'bad';
};

const plot = new Plot(at('plot'));
/// Every SIP message of this page's life, the newest last: {at: ms since the epoch, way, text}.
const messages = [];
let connection = null;
let ear = null;
let watcher = null;

async function show() {
  const watched = connection;
  const statistics = await readStatistics(watched);
  if (watched !== connection) return;
  for (const name of ['dtls', 'cipher', 'srtp', 'fingerprint', 'path', 'codec']) say(name, statistics[name]);
  say('verdict', statistics.verdict, statistics.good);
  for (const name of ['received', 'sent', 'lost']) at(name).textContent = statistics[name];
  for (const name of ['jitter', 'rtt']) say(name, statistics[name] === null ? '' : statistics[name].toFixed(1));
  const loudest = ear && ear.loudest();
  say('heard', loudest ? `${loudest.hz} Hz at ${loudest.db} dB` : 'silence');
  plot.add(statistics);
}

function follow(peerConnection) {
  connection = peerConnection;
  plot.clear();
  clearInterval(watcher);
  watcher = setInterval(() => show().catch((error) => console.error(error)), STATISTICS_MS);
}

function stopFollowing() {
  clearInterval(watcher);
  connection = null;
  at('player').srcObject = null;
  if (ear) ear.close();
  ear = null;
}

function setButtons({ idle, ringing = false, talking = false }) {
  at('call').disabled = !idle;
  at('answer').hidden = !ringing;
  at('hold').disabled = !talking;
  at('hangup').disabled = idle;
}

function list(way, text) {
  messages.push({ at: Date.now(), way, text });
  const line = document.createElement('li');
  line.textContent = `${way === 'sent' ? '→' : '←'} ${text.split('\r\n', 1)[0]}`;
  line.title = text;
  at('messages').append(line);
  if (messages.length <= MESSAGES_MAX) return;
  messages.shift();
  at('messages').firstElementChild.remove();
}

const phone = new Phone({
  registered: () => { say('status', 'registered', true); if (!phone.session) setButtons({ idle: true }); },
  unregistered: (cause) => { say('status', cause ? `not registered: ${cause}` : 'not registered', false); },
  called: (from) => { say('callstate', `${from} is calling`); setButtons({ idle: false, ringing: true }); },
  state: (name) => {
    say('callstate', name);
    at('hold').textContent = name === 'held' ? 'Resume' : 'Hold';
    setButtons({ idle: false, talking: name === 'talking' || name === 'held' });
  },
  media: follow,
  voice: (stream) => {
    at('player').srcObject = stream;
    if (ear) ear.close();
    ear = new Ear(stream);
  },
  over: (cause) => {
    say('callstate', `no call${cause ? ` (${cause})` : ''}`);
    stopFollowing();
    setButtons({ idle: true });
  },
  message: list,
});

at('registration').addEventListener('submit', (event) => {
  event.preventDefault();
  say('status', 'registering');
  try {
    phone.register({ server: at('server').value, address: at('address').value, password: at('password').value });
  } catch (error) {
    say('status', `not registered: ${error.message}`, false);
  }
});
at('dialling').addEventListener('submit', (event) => {
  event.preventDefault();
  try {
    phone.call(at('target').value);
  } catch (error) {
    say('callstate', `no call (${error.message})`);
  }
});
at('answer').addEventListener('click', () => { phone.answer(); setButtons({ idle: false }); });
at('hold').addEventListener('click', () => phone.toggleHold());
at('hangup').addEventListener('click', () => phone.hangUp());

at('server').value = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/`;
if (!window.isSecureContext) say('status', 'a page in clear gets no microphone: open it over https', false);
