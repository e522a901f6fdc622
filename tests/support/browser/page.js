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

// Asks the other side for a whole picture: what a decoder does that has lost one.
let asker = null;
const ASKER = `onrtctransform = ({ transformer }) => {
  transformer.readable.pipeTo(transformer.writable);
  onmessage = () => transformer.sendKeyFrameRequest().then(() => postMessage('asked'), (error) => postMessage(String(error)));
};`;

function watch(made) {
  session = made;
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
