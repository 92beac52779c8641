// A Twilio for tests: its Calls resource, webhooks signed by Twilio's own library, and Media Streams by an ordinary
// WebSocket client. Every telephone answers and says again what it hears.
import { once } from 'node:events';
import { createServer } from 'node:http';
import twilio from 'twilio';
import { WebSocket } from 'ws';

const pieceBytes = 160; // 20 ms of mu-law
const silence = Buffer.alloc(pieceBytes, 0xff);

export const accountSid = `AC${'0123456789abcdef'.repeat(2)}`;
export const authToken = 'the token of the account';

/** What stands in an element of TwiML, or in an attribute of it. */
function find(twiml, pattern) {
  return twiml.match(pattern)?.[1]?.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}

class Call {
  constructor(owner, sid, asked) {
    Object.assign(this, { owner, sid, asked, status: 'queued', sequence: 0, heard: [], clears: 0 });
  }

  fields() {
    return {
      CallSid: this.sid,
      AccountSid: accountSid,
      From: this.asked.get('From'),
      To: this.asked.get('To'),
      CallStatus: this.status,
      ApiVersion: '2010-04-01',
      Direction: 'outbound-api',
    };
  }

  describe() {
    return { sid: this.sid, account_sid: accountSid, status: this.status, direction: 'outbound-api', duration: null };
  }

  async webhook(url, more = {}) {
    const fields = { ...this.fields(), ...more };
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/x-www-form-urlencoded',
        'X-Twilio-Signature': twilio.getExpectedTwilioSignature(authToken, url, fields),
      },
      body: new URLSearchParams(fields),
    });
    this.owner.answers.push(response.status);
    return response.text();
  }

  async become(status) {
    this.status = status;
    const more = { SequenceNumber: String(this.sequence), CallbackSource: 'call-progress-events', Timestamp: new Date().toUTCString() };
    this.sequence += 1;
    if (status === 'completed') more.CallDuration = String(Math.floor((Date.now() - this.answeredAt) / 1000));
    await this.webhook(this.asked.get('StatusCallback'), more);
  }

  async run() {
    await this.become('initiated');
    await this.become('ringing');
    this.answeredAt = Date.now();
    await this.become('in-progress');
    this.obey(await this.webhook(this.asked.get('Url')));
  }

  obey(twiml) {
    const url = find(twiml, /<Connect><Stream url="([^"]*)"/);
    if (!url) return this.end('completed');
    const next = find(twiml, /<Redirect method="POST">([^<]*)</);
    this.streamSid = `MZ${this.sid.slice(2)}`;
    const headers = { 'x-twilio-signature': twilio.getExpectedTwilioSignature(authToken, url, {}) };
    const socket = new WebSocket(url, { headers });
    this.socket = socket;
    let number = 0;
    let chunk = 0;
    this.say = (event, body) => {
      number += 1;
      socket.send(JSON.stringify({ event, sequenceNumber: String(number), streamSid: this.streamSid, [event]: body }));
    };
    socket.on('open', () => {
      socket.send(JSON.stringify({ event: 'connected', protocol: 'Call', version: '1.0.0' }));
      this.say('start', {
        accountSid,
        streamSid: this.streamSid,
        callSid: this.sid,
        tracks: ['inbound'],
        mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 },
        customParameters: {},
      });
      const startedAt = Date.now();
      this.timer = setInterval(() => {
        // As many as are due: timers here are late at times, and telephones are not.
        while (chunk * 20 <= Date.now() - startedAt && socket.readyState === WebSocket.OPEN) {
          const payload = (this.heard.shift() ?? silence).toString('base64');
          this.say('media', { track: 'inbound', chunk: String(chunk + 1), timestamp: String(chunk * 20), payload });
          chunk += 1;
        }
      }, 10);
    });
    socket.on('message', (text) => this.hear(JSON.parse(text)));
    socket.on('error', () => {});
    socket.on('close', async () => {
      clearInterval(this.timer);
      if (this.status === 'in-progress' && this.socket === socket) this.obey(await this.webhook(next));
    });
    return undefined;
  }

  hear(message) {
    if (message.streamSid !== this.streamSid) throw new Error('a message of another stream');
    if (message.event === 'clear') {
      this.heard = [];
      this.clears += 1;
    }
    if (message.event === 'media') this.heard.push(Buffer.from(message.media.payload, 'base64'));
  }

  async end(status) {
    if (!['queued', 'initiated', 'ringing', 'in-progress'].includes(this.status)) return;
    await this.become(status);
    clearInterval(this.timer);
    this.socket?.close();
  }
}

/** Listens on a port of its own. `environment`: of a server that is to use it, but for PUBLIC_URL. */
export async function startTwilio() {
  const calls = new Map();
  const owner = { answers: [] };
  const prefix = `/2010-04-01/Accounts/${accountSid}`;
  const authorization = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`;
  const server = createServer(async (request, response) => {
    const reply = (status, body) => {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    let body = '';
    for await (const part of request) body += part;
    if (request.headers.authorization !== authorization) return reply(401, { code: 20003, message: 'Authenticate', status: 401 });
    const asked = new URLSearchParams(body);
    if (request.method === 'POST' && request.url === `${prefix}/Calls.json`) {
      const call = new Call(owner, `CA${String(calls.size + 1).padStart(32, '0')}`, asked);
      calls.set(call.sid, call);
      reply(201, call.describe());
      return call.run();
    }
    const call = calls.get(request.url.match(/\/Calls\/(\w+)\.json$/)?.[1]);
    if (!call) return reply(404, { code: 20404, message: 'not found', status: 404 });
    if (request.method === 'POST') await call.end(asked.get('Status'));
    return reply(200, call.describe());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    ...owner,
    environment: {
      VOIP_PROVIDER: 'twilio',
      VOIP_ACCOUNT_SID: accountSid,
      VOIP_AUTH_TOKEN: authToken,
      VOIP_FROM_NUMBER: '+15005550100',
      VOIP_ALLOW_PREFIXES: '+',
      VOIP_API_BASE: `http://127.0.0.1:${server.address().port}`,
    },
    last: () => [...calls.values()].at(-1),
    async stop() {
      for (const call of calls.values()) {
        clearInterval(call.timer);
        call.socket?.terminate();
      }
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
