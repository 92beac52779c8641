// Reads session descriptions, makes offers by hand, and judges those of the server over the life of a connection.

/** {session: [lines], sections: [{kind, port, protocol, formats, mid, direction, lines}]} */
export function parse(sdp) {
  const lines = sdp.split(/\r?\n/).filter((line) => line !== '');
  const blocks = [[]];
  for (const line of lines) {
    if (line.startsWith('m=')) blocks.push([]);
    blocks.at(-1).push(line);
  }
  const [session, ...media] = blocks;
  return {
    session,
    sections: media.map((block) => {
      const [kind, port, protocol, ...formats] = block[0].slice(2).split(' ');
      return {
        kind,
        port: Number(port),
        protocol,
        formats,
        lines: block,
        mid: value(block, 'mid'),
        direction: block.map((line) => line.slice(2)).find((name) => ['sendrecv', 'sendonly', 'recvonly', 'inactive'].includes(name)) ?? 'sendrecv',
      };
    }),
  };
}

/** The value of the first `a=name:`, and all of them. */
export function value(lines, name) {
  return values(lines, name)[0];
}
export function values(lines, name) {
  return lines.filter((line) => line.startsWith(`a=${name}:`)).map((line) => line.slice(name.length + 3));
}

export const bundled = (sdp) => (value(parse(sdp).session, 'group') ?? '').split(' ').slice(1);

/** The address of the server's first UDP candidate. */
export function mediaAddress(sdp) {
  const [, address, port] = / udp \d+ (\S+) (\d+) typ host/i.exec(sdp);
  return { address, port: Number(port) };
}

export const fakeFingerprint = `sha-256 ${Array.from({ length: 32 }, (_, i) => (i * 7 + 3).toString(16).padStart(2, '0').toUpperCase()).join(':')}`;
const sessionLines = (bundle) => ['v=0', 'o=- 4611731400430051336 2 IN IP4 127.0.0.1', 's=-', 't=0 0', ...(bundle ? [`a=group:BUNDLE ${bundle}`] : [])];
const codecs = {
  audio: ['111', ['a=rtpmap:111 opus/48000/2', 'a=fmtp:111 minptime=10;useinbandfec=1']],
  video: ['96', ['a=rtpmap:96 VP8/90000', 'a=rtcp-fb:96 nack', 'a=rtcp-fb:96 nack pli']],
};

/** One m-section as a browser writes it; `drop` and `add` make it wrong. */
export function section(kind, mid, { direction = 'sendrecv', setup = 'actpass', drop = [], add = [], formats, rtpmaps, ssrc = 1000 + Number(mid), port = 9, ufrag = 'abcd', pwd = 'abcdefghijklmnopqrstuvwx', fingerprint = fakeFingerprint } = {}) {
  const application = kind === 'application';
  const [format, maps] = application ? ['webrtc-datachannel', ['a=sctp-port:5000', 'a=max-message-size:262144']] : codecs[kind];
  const lines = [
    `m=${kind} ${port} ${application ? 'UDP/DTLS/SCTP' : 'UDP/TLS/RTP/SAVPF'} ${formats ?? format}`,
    'c=IN IP4 0.0.0.0',
    `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${pwd}`,
    `a=fingerprint:${fingerprint}`,
    `a=setup:${setup}`,
    `a=mid:${mid}`,
    ...(application ? [] : ['a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid', `a=${direction}`, 'a=rtcp-mux', 'a=rtcp-rsize']),
    ...(rtpmaps ?? maps),
    ...(application || !direction.startsWith('send') ? [] : [`a=ssrc:${ssrc} cname:c`, `a=ssrc:${ssrc} msid:s t${mid}`]),
  ];
  return [...lines.filter((line) => !drop.some((start) => line.startsWith(start))), ...add];
}

export function offerOf(sections, { bundle = sections.map((lines) => value(lines, 'mid')).join(' '), session = sessionLines(bundle) } = {}) {
  return [...session, ...sections.flat()].map((line) => `${line}\r\n`).join('');
}

const offered = (section) => section.direction !== 'inactive' && section.port !== 0;

/**
 * What RFC 9429, 3264 and 9143 demand of all descriptions of one side: look() gives the violations in the next one. With
 * counts: false it is one that crossed another and was thrown away: what follows need not fit it.
 */
export class Judge {
  #kept = { payloads: new Map(), extensions: new Map(), sections: [] };

  look({ type, sdp }, { offer, counts = true } = {}) {
    const wrong = [];
    const before = this.#kept;
    this.#kept = { ...before, payloads: new Map(before.payloads), extensions: new Map(before.extensions) };
    const { session, sections } = parse(sdp);
    const note = (text) => wrong.push(`${type}: ${text}`);
    this.#version(session, note);
    this.#order(sections, note);
    if (type === 'answer') this.#answers(parse(offer).sections, sections, note);
    if (!session.includes('a=ice-lite')) note('no ice-lite');
    const bundle = (value(session, 'group') ?? '').split(' ').slice(1);
    for (const s of sections.filter((each) => each.port !== 0 && !bundle.includes(each.mid))) note(`${s.mid} is not in the bundle`);
    for (const s of sections.filter((each) => each.port === 0 && bundle.includes(each.mid))) note(`rejected ${s.mid} is in the bundle`);
    if (new Set(bundle).size !== bundle.length) note('a mid is twice in the bundle');
    this.#transport(sections.filter((s) => s.port !== 0), note);
    this.#media(sections.filter((s) => s.port !== 0 && s.kind !== 'application'), note);
    const { version } = this.#kept;
    if (!counts) this.#kept = { ...before, version };
    return wrong;
  }

  #version(session, note) {
    const [, id, version] = session.find((line) => line.startsWith('o=')).split(' ');
    const before = this.#kept.version;
    if (before && before.id !== id) note(`o= session id changed from ${before.id} to ${id}`);
    if (before && BigInt(version) < before.number) note(`o= version fell from ${before.number} to ${version}`);
    this.#kept.version = { id, number: BigInt(version) };
  }

  /** m-sections never vanish or move; only a rejected one may get another mid or kind. */
  #order(sections, note) {
    const before = this.#kept.sections;
    if (sections.length < before.length) note(`${sections.length} sections after ${before.length}`);
    before.slice(0, sections.length).forEach((old, i) => {
      const now = sections[i];
      if (old.port !== 0 && (old.mid !== now.mid || old.kind !== now.kind)) note(`section ${i} was ${old.kind} ${old.mid} and is ${now.kind} ${now.mid}`);
    });
    const mids = sections.map((s) => s.mid);
    if (new Set(mids).size !== mids.length) note(`a mid is there twice: ${mids}`);
    this.#kept.sections = sections.map(({ kind, mid, port }) => ({ kind, mid, port }));
  }

  #answers(offers, answers, note) {
    if (offers.length !== answers.length) note(`${answers.length} sections answer ${offers.length}`);
    answers.forEach((answer, i) => {
      const offer = offers[i];
      if (!offer) return;
      if (answer.kind !== offer.kind) note(`section ${i} is ${answer.kind}, offered was ${offer.kind}`);
      if (answer.port !== 0 && answer.mid !== offer.mid) note(`section ${i} has mid ${answer.mid}, offered was ${offer.mid}`);
      const sends = ['sendrecv', 'sendonly'];
      const receives = ['sendrecv', 'recvonly'];
      if (answer.port === 0) return;
      if (sends.includes(answer.direction) && !receives.includes(offer.direction)) note(`${answer.mid} sends to ${offer.direction}`);
      if (receives.includes(answer.direction) && !sends.includes(offer.direction)) note(`${answer.mid} receives from ${offer.direction}`);
      const known = values(offer.lines, 'extmap').map((line) => [line.split(/[ /]/)[0], line.split(' ')[1]].join(' '));
      for (const extension of values(answer.lines, 'extmap')) {
        if (!known.includes([extension.split(/[ /]/)[0], extension.split(' ')[1]].join(' '))) note(`${answer.mid} answers with an extension that was not offered: ${extension}`);
      }
      const [setup] = values(answer.lines, 'setup');
      if (!['active', 'passive'].includes(setup)) note(`${answer.mid} answers with setup ${setup}`);
    });
  }

  #transport(sections, note) {
    for (const name of ['ice-ufrag', 'ice-pwd', 'fingerprint', 'setup']) {
      const all = new Set(sections.map((s) => value(s.lines, name)).filter((v) => v !== undefined));
      if (all.size > 1) note(`${name} differs within the bundle: ${[...all]}`);
    }
    for (const s of sections.filter((each) => each.kind !== 'application' && !each.lines.includes('a=rtcp-mux'))) note(`${s.mid} has no rtcp-mux`);
  }

  /** Payload types and header extensions keep their meaning within the bundle; no SSRC is used twice. */
  #media(sections, note) {
    const ssrcs = new Map();
    for (const s of sections) {
      for (const line of values(s.lines, 'rtpmap')) {
        const [type, codec] = line.split(' ');
        const meaning = codec.toLowerCase();
        const before = this.#kept.payloads.get(type) ?? meaning;
        if (before !== meaning) note(`payload type ${type} was ${before} and is ${meaning} in ${s.mid}`);
        this.#kept.payloads.set(type, meaning);
      }
      for (const line of values(s.lines, 'extmap')) {
        const [id, uri] = line.split(' ');
        const number = id.split('/')[0];
        if ((this.#kept.extensions.get(number) ?? uri) !== uri) note(`extension ${number} was ${this.#kept.extensions.get(number)} and is ${uri}`);
        this.#kept.extensions.set(number, uri);
      }
      for (const ssrc of new Set(values(s.lines, 'ssrc').map((line) => line.split(' ')[0]))) {
        if (ssrcs.has(ssrc)) note(`ssrc ${ssrc} is in ${ssrcs.get(ssrc)} and in ${s.mid}`);
        ssrcs.set(ssrc, s.mid);
      }
      if (offered(s) && s.direction.startsWith('send') && values(s.lines, 'msid').length === 0) note(`${s.mid} sends without msid`);
    }
  }
}
