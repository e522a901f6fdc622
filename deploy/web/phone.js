// A phone with one line: JsSIP as it comes, a microphone, and whoever listens to what happens.
'use strict';

/// JsSIP's WebSocket, with a witness to every SIP message: note('sent' | 'received', text).
class WitnessedSocket extends JsSIP.WebSocketInterface {
  constructor(url, note) {
    super(url);
    this.note = note;
  }

  send(message) {
    this.note('sent', message);
    return super.send(message);
  }

  get ondata() { return this.deliver; }

  set ondata(listener) {
    this.deliver = (data) => {
      this.note('received', typeof data === 'string' ? data : new TextDecoder().decode(data));
      listener(data);
    };
  }
}

/// Usage: register(), then call() or, when `called` came, answer(). What `tell` may hear, each with its arguments:
/// registered(), unregistered(cause), called(from), state(name), media(RTCPeerConnection), voice(MediaStream), over(cause),
/// message(way, text).
class Phone {
  constructor(tell) {
    this.tell = tell;
    this.agent = null;
    this.session = null;
    // No ICE servers: Weir is reached as it is, and its candidates are its own.
    this.media = { mediaConstraints: { audio: true, video: false }, pcConfig: { iceServers: [] } };
  }

  register({ server, address, password }) {
    if (this.agent) this.agent.stop();
    const socket = new WitnessedSocket(server, (way, text) => { if (text.trim()) this.tell.message(way, text); });
    const agent = new JsSIP.UA({ sockets: [socket], uri: `sip:${address.replace(/^sips?:/, '')}`, password,
      session_timers: false, user_agent: 'Weir page' });
    this.agent = agent;
    const current = (listener) => (event) => { if (this.agent === agent) listener(event); };
    agent.on('registered', current(() => this.tell.registered()));
    agent.on('unregistered', current(() => this.tell.unregistered('')));
    agent.on('registrationFailed', current((event) => this.tell.unregistered(event.cause)));
    agent.on('disconnected', current((event) => this.tell.unregistered(event.reason || 'no connection to the server')));
    agent.on('newRTCSession', current((event) => this.take(event)));
    agent.start();
  }

  call(target) { this.agent.call(target, this.media); }
  answer() { this.session.answer(this.media); }
  hangUp() { if (this.session && !this.session.isEnded()) this.session.terminate(); }

  /// What it is then: held or not.
  toggleHold() {
    const held = this.session.isOnHold().local;
    return (held ? this.session.unhold() : this.session.hold()) ? !held : held;
  }

  take({ originator, session }) {
    const ours = originator === 'local';
    if (this.session) return session.terminate({ status_code: 486, reason_phrase: 'Busy Here' });
    this.session = session;
    const state = (name) => () => this.tell.state(name);
    if (ours) session.on('progress', state('ringing'));
    session.on('confirmed', state('talking'));
    session.on('hold', state('held'));
    session.on('unhold', state('talking'));
    for (const name of ['ended', 'failed']) session.on(name, (event) => this.end(event.cause));
    if (session.connection) this.follow(session.connection);
    session.on('peerconnection', (event) => this.follow(event.peerconnection));
    if (ours) return this.tell.state('calling');
    return this.tell.called(session.remote_identity.uri.toString());
  }

  follow(connection) {
    this.tell.media(connection);
    connection.addEventListener('track', (event) => this.tell.voice(event.streams[0] || new MediaStream([event.track])));
  }

  end(cause) {
    this.session = null;
    this.tell.over(cause || '');
  }
}
