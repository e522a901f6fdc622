// The page's half of a browser under test: JsSIP as it comes, and what the browser says of its call.
'use strict';

const events = [];
let agent = null;
let session = null;
let connection = null;

function note(name, detail) {
  events.push({ at_ms: Math.round(performance.now()), name, detail });
}

function follow(peerconnection) {
  connection = peerconnection;
  connection.addEventListener('connectionstatechange', () => note('connection', connection.connectionState));
  connection.addEventListener('iceconnectionstatechange', () => note('ice', connection.iceConnectionState));
  connection.addEventListener('track', (event) => {
    if (event.track.kind === 'video') {
      asker = new Worker(URL.createObjectURL(new Blob([ASKER], { type: 'text/javascript' })));
      event.receiver.transform = new RTCRtpScriptTransform(asker);
    }
    const player = document.getElementById(event.track.kind === 'video' ? 'picture' : 'player');
    player.srcObject = event.streams[0] || new MediaStream([event.track]);
    player.play().catch((error) => note('player', String(error)));
  });
}

/// The description with these encodings alone in its audio.
function withCodecs(sdp, names) {
  const lines = sdp.split('\r\n');
  const maps = lines.map((line) => line.match(/^a=rtpmap:(\d+) ([^/]+)\//)).filter((found) => found);
  const left = maps.filter((found) => !names.includes(found[2])).map((found) => found[1]);
  return lines
    .filter((line) => !left.some((type) => line.match(new RegExp(`^a=(rtpmap|fmtp|rtcp-fb):${type} `))))
    .map((line) => (line.startsWith('m=audio') ? line.split(' ').filter((word, at) => at < 3 || !left.includes(word)).join(' ') : line))
    .join('\r\n');
}

/// A party that cannot be asked for a whole picture by RTCP, as far as its description goes.
const withoutPictureRequests = (sdp) => sdp.replace(/^a=rtcp-fb:\S+ (nack pli|ccm fir)\r\n/gm, '');

/// What an encoder does that is asked for a whole picture in SIP.
async function giveWholePicture() {
  for (const sender of connection.getSenders()) {
    if (!sender.track || sender.track.kind !== 'video') continue;
    const parameters = sender.getParameters();
    await sender.setParameters(parameters, { encodingOptions: parameters.encodings.map(() => ({ keyFrame: true })) });
  }
}

let codecs = null;
let picturesAreAsked = true;
// Asks the other side for a whole picture: what a decoder does that has lost one.
let asker = null;
const ASKER = `onrtctransform = ({ transformer }) => {
  transformer.readable.pipeTo(transformer.writable);
  onmessage = () => transformer.sendKeyFrameRequest().then(() => postMessage('asked'), (error) => postMessage(String(error)));
};`;

function watch(made) {
  session = made;
  session.on('sdp', (event) => { if (codecs && event.originator === 'local') event.sdp = withCodecs(event.sdp, codecs); });
  session.on('sdp', (event) => {
    if (!picturesAreAsked && event.originator === 'local') event.sdp = withoutPictureRequests(event.sdp);
  });
  session.on('newInfo', (event) => {
    note(`info ${event.originator} ${event.info.contentType}`, event.info.body);
    const asks = event.originator === 'remote' && String(event.info.body).includes('picture_fast_update');
    if (asks) giveWholePicture().catch((error) => note('no whole picture', String(error)));
    event.info.on('succeeded', () => note('info taken'));
    event.info.on('failed', (failed) => note('info refused', failed.response ? failed.response.status_code : failed.cause));
  });
  if (session.connection) follow(session.connection);
  session.on('peerconnection', (event) => follow(event.peerconnection));
  for (const name of ['progress', 'accepted', 'confirmed', 'ended', 'failed', 'hold', 'unhold']) {
    session.on(name, (event) => note(name, (event && event.cause) || ''));
  }
  session.on('sdp', (event) => note(`sdp ${event.originator} ${event.type}`, event.sdp));
}

const media = { mediaConstraints: { audio: true, video: false }, pcConfig: { iceServers: [] } };

window.browser = {
  events: () => events,
  register: (options) => new Promise((done, failed) => {
    JsSIP.debug.disable();
    media.mediaConstraints.video = Boolean(options.video);
    agent = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(options.ws)], uri: options.uri, password: options.password,
      register: options.register, session_timers: false,
    });
    agent.on('connected', () => { note('socket', 'open'); if (!options.register) done(); });
    agent.on('disconnected', (event) => { note('socket', 'closed'); failed(new Error(`no WebSocket: ${event.reason || event.code}`)); });
    agent.on('registered', () => { note('registered'); done(); });
    agent.on('registrationFailed', (event) => failed(new Error(`not registered: ${event.cause}`)));
    agent.on('newRTCSession', (event) => {
      if (event.originator !== 'remote') return;
      note('called');
      watch(event.session);
      event.session.answer(media);
    });
    agent.start();
  }),
  call: (target) => watch(agent.call(target, media)),
  // What it offers and answers from now on, by name.
  speakOnly: (names) => { codecs = names; },
  // From now on it says that it cannot be asked for a whole picture.
  haveNoPictureRequests: () => { picturesAreAsked = false; },
  sendInfo: ({ type, body, times }) => { for (let i = 0; i < times; ++i) session.sendInfo(type, body); },
  press: (digit) => session.sendDTMF(digit, { transportType: 'RFC2833', duration: 200 }),
  hold: () => session.hold(),
  resume: () => session.unhold(),
  hangUp: () => { if (session && !session.isEnded()) session.terminate(); },
  stop: () => agent && agent.stop(),
  state: () => (connection ? connection.connectionState : 'none'),
  over: () => Boolean(session) && session.isEnded(),
  // What getStats() says of the transport and of the audio that came.
  statistics: async () => {
    const all = new Map();
    if (connection) (await connection.getStats()).forEach((entry) => all.set(entry.id, entry));
    const one = (type) => [...all.values()].find((entry) => entry.type === type && (!entry.kind || entry.kind === 'audio')) || {};
    const transport = one('transport');
    const pair = all.get(transport.selectedCandidatePairId) || {};
    const came = one('inbound-rtp');
    return {
      dtls: transport.dtlsState, tls_version: transport.tlsVersion, srtp: transport.srtpCipher, role: transport.dtlsRole,
      ice_role: transport.iceRole, local: (all.get(pair.localCandidateId) || {}).candidateType,
      remote: (all.get(pair.remoteCandidateId) || {}).address, packets: came.packetsReceived || 0,
      lost: came.packetsLost || 0, codec: (all.get(came.codecId) || {}).mimeType, sent: one('outbound-rtp').packetsSent || 0,
    };
  },
  askForPicture: () => new Promise((done) => {
    asker.onmessage = (event) => done(event.data);
    asker.postMessage('ask');
  }),
  // The same of the video, either way.
  video: async () => {
    const all = [];
    if (connection) (await connection.getStats()).forEach((entry) => all.push(entry));
    const one = (type) => all.find((entry) => entry.type === type && entry.kind === 'video') || {};
    const came = one('inbound-rtp');
    const went = one('outbound-rtp');
    return {
      decoded: came.framesDecoded || 0, lost: came.packetsLost || 0, asked: (came.pliCount || 0) + (came.firCount || 0),
      nacks: went.nackCount || 0, sent: went.framesSent || 0, keys: went.keyFramesEncoded || 0,
      plis: went.pliCount || 0, firs: went.firCount || 0,
    };
  },
  // The loudest frequency of what is heard, in Hz.
  tone: async () => {
    const stream = document.getElementById('player').srcObject;
    if (!stream) return 0;
    const audio = new AudioContext();
    await audio.resume();
    const analyser = audio.createAnalyser();
    analyser.fftSize = 8192;
    audio.createMediaStreamSource(stream).connect(analyser);
    await new Promise((done) => setTimeout(done, 800));
    const levels = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(levels);
    const loudest = levels.indexOf(Math.max(...levels));
    const frequency = (loudest * audio.sampleRate) / analyser.fftSize;
    await audio.close();
    return Math.round(frequency);
  },
};
