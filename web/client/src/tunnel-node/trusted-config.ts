// A configuration that came through a page is made anew of the few things that this server's have: Xray does what it is told,
// and there are settings that listen, read files and write them.
import type { VpnConnectionConfig, XrayConfig } from '../tunnel/types.js';

type Json = Readonly<Record<string, unknown>>;

const BYTES_MAX = 64 * 1024;

class Untrusted extends Error {
  constructor(what: string) {
    super(`the configuration of the tunnel is not as this server makes it: ${what}`);
  }
}

function object(value: unknown, what: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Untrusted(what);
  return value as Json;
}

function only(value: unknown, what: string): Json {
  if (!Array.isArray(value) || value.length !== 1) throw new Untrusted(what);
  return object(value[0], what);
}

function text(value: unknown, what: string): string {
  if (typeof value !== 'string' || value === '') throw new Untrusted(what);
  return value;
}

function oneOf<const Text extends string>(value: unknown, allowed: readonly Text[], what: string): Text {
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw new Untrusted(what);
  return found;
}

function port(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > 65535) throw new Untrusted(what);
  return value;
}

function inbound(value: Json): XrayConfig['inbounds'][number] {
  oneOf(value['protocol'], ['socks'], 'inbounds.protocol');
  oneOf(value['listen'], ['127.0.0.1'], 'inbounds.listen');
  return {
    tag: 'socks-in',
    listen: '127.0.0.1',
    port: port(value['port'], 'inbounds.port'),
    protocol: 'socks',
    settings: { auth: 'noauth', udp: true, ip: '127.0.0.1' },
  };
}

function tls(value: unknown): Json {
  const { serverName, disableSystemRoot, certificates } = object(value, 'tlsSettings');
  const settings = { serverName: text(serverName, 'tlsSettings.serverName') };
  if (certificates === undefined) return settings;
  const { usage, certificate } = only(certificates, 'tlsSettings.certificates');
  if (!Array.isArray(certificate)) throw new Untrusted('tlsSettings.certificates.certificate');
  return {
    ...settings,
    disableSystemRoot: disableSystemRoot === true,
    certificates: [
      {
        usage: oneOf(usage, ['verify'], 'tlsSettings.certificates.usage'),
        certificate: certificate.map((line: unknown) => (typeof line === 'string' ? line : '')),
      },
    ],
  };
}

function stream(value: unknown): Json {
  const { network, security, wsSettings, tlsSettings } = object(value, 'streamSettings');
  const settings = {
    network: oneOf(network, ['ws'], 'streamSettings.network'),
    security: oneOf(security, ['tls', 'none'], 'streamSettings.security'),
    wsSettings: { path: text(object(wsSettings, 'wsSettings')['path'], 'wsSettings.path') },
  };
  return settings.security === 'tls' ? { ...settings, tlsSettings: tls(tlsSettings) } : settings;
}

function outbound(value: Json): XrayConfig['outbounds'][number] {
  oneOf(value['protocol'], ['vless'], 'outbounds.protocol');
  const server = only(object(value['settings'], 'outbounds.settings')['vnext'], 'vnext');
  const user = only(server['users'], 'vnext.users');
  return {
    tag: 'call-out',
    protocol: 'vless',
    settings: {
      vnext: [
        {
          address: text(server['address'], 'vnext.address'),
          port: port(server['port'], 'vnext.port'),
          users: [{ id: text(user['id'], 'vnext.users.id'), encryption: 'none' }],
        },
      ],
    },
    streamSettings: stream(value['streamSettings']),
  };
}

/** Of `vpn-config-received`; throws when that is not there. What else is there is left out. */
export function trustedConfig(value: unknown): VpnConnectionConfig {
  const config = object(value, 'no object');
  if ((JSON.stringify(config)?.length ?? 0) > BYTES_MAX) throw new Untrusted('too long');
  const xray = object(config['xrayConfig'], 'xrayConfig');
  return {
    callId: text(config['callId'], 'callId'),
    vpnServer: text(config['vpnServer'], 'vpnServer'),
    vpnPort: port(config['vpnPort'], 'vpnPort'),
    encryptionKey: text(config['encryptionKey'], 'encryptionKey'),
    xrayConfig: {
      log: { loglevel: 'warning' },
      inbounds: [inbound(only(xray['inbounds'], 'inbounds'))],
      outbounds: [outbound(only(xray['outbounds'], 'outbounds'))],
    },
  };
}
