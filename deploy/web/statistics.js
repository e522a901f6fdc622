// What the browser says of a call's media: getStats() as plain facts (W3C webrtc-stats), and what it hears.
'use strict';

const DTLS_VERSIONS = { FEFF: 'DTLS 1.0', FEFD: 'DTLS 1.2', FEFC: 'DTLS 1.3' };

/// The certificate the peer showed, judged by the SDP that came over signalling (RFC 8122): a browser compares them
/// itself before it lets DTLS connect; this says what it compared.
function judgeFingerprint(certificate, description, connected) {
  if (!certificate || !description) return { good: false, verdict: 'no certificate yet' };
  const named = [...description.sdp.matchAll(/^a=fingerprint:(\S+) (\S+)/gim)]
    .filter(([, algorithm]) => algorithm.toLowerCase() === certificate.fingerprintAlgorithm.toLowerCase());
  if (!named.length) return { good: false, verdict: `the SDP names no ${certificate.fingerprintAlgorithm} fingerprint` };
  const matches = named.some(([, , value]) => value.toUpperCase() === certificate.fingerprint.toUpperCase());
  if (!matches) return { good: false, verdict: 'DIFFERS from the one in their SDP' };
  return { good: connected, verdict: connected ? 'matches the one in their SDP' : 'matches, but DTLS is not connected' };
}

/// Counters are since the call's start; times in ms, null where nothing is known yet.
async function readStatistics(connection) {
  const all = new Map();
  (await connection.getStats()).forEach((entry) => all.set(entry.id, entry));
  const one = (type) => [...all.values()].find((entry) => entry.type === type && (!entry.kind || entry.kind === 'audio')) || {};
  const transport = one('transport');
  const pair = all.get(transport.selectedCandidatePairId) || {};
  const [local, remote] = [all.get(pair.localCandidateId) || {}, all.get(pair.remoteCandidateId) || {}];
  const [came, went] = [one('inbound-rtp'), one('outbound-rtp')];
  const certificate = all.get(transport.remoteCertificateId);
  const milliseconds = (seconds) => (seconds === undefined ? null : seconds * 1000);
  return {
    at: performance.now(),
    dtls: DTLS_VERSIONS[transport.tlsVersion] || transport.dtlsState || '',
    cipher: transport.dtlsCipher || '',
    srtp: transport.srtpCipher || '',
    fingerprint: certificate ? `${certificate.fingerprintAlgorithm} ${certificate.fingerprint}` : '',
    ...judgeFingerprint(certificate, connection.remoteDescription, transport.dtlsState === 'connected'),
    path: remote.address ? `${local.candidateType} → ${remote.address}:${remote.port} (${remote.protocol})` : '',
    codec: (all.get(came.codecId) || {}).mimeType || '',
    received: came.packetsReceived || 0,
    sent: went.packetsSent || 0,
    lost: came.packetsLost || 0,
    jitter: milliseconds(came.jitter),
    // By the peer's RTCP reports; without them by ICE's checks, which go the same way.
    rtt: milliseconds(one('remote-inbound-rtp').roundTripTime ?? pair.currentRoundTripTime),
  };
}

/// Listens beside the loudspeaker.
class Ear {
  constructor(stream) {
    this.audio = new AudioContext();
    this.analyser = this.audio.createAnalyser();
    this.analyser.fftSize = 8192;
    this.audio.createMediaStreamSource(stream).connect(this.analyser);
    this.levels = new Float32Array(this.analyser.frequencyBinCount);
    this.audio.resume();
  }

  /// The loudest frequency in Hz and its level in dB of full scale; null: silence.
  loudest() {
    this.analyser.getFloatFrequencyData(this.levels);
    let best = 0;
    for (let i = 1; i < this.levels.length; i += 1) if (this.levels[i] > this.levels[best]) best = i;
    if (!(this.levels[best] > -80)) return null;
    return { hz: Math.round((best * this.audio.sampleRate) / this.analyser.fftSize), db: Math.round(this.levels[best]) };
  }

  close() { this.audio.close(); }
}
