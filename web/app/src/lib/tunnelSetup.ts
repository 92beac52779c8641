// What somebody has to do by hand where no program does it: the proxy of the browser, and the file for Xray. Pure.
import type { XrayConfig } from '@zvonok/client/tunnel';

export interface Socks {
  readonly host: string;
  readonly port: number;
}

/** Where Xray listens with the server's own configuration. */
export const usualSocks: Socks = { host: '127.0.0.1', port: 10808 };

export function socksOf(config: XrayConfig): Socks {
  const inbound = config.inbounds.find(({ protocol }) => protocol === 'socks');
  return inbound ? { host: inbound.listen ?? usualSocks.host, port: inbound.port } : usualSocks;
}

export function formatSocks({ host, port }: Socks): string {
  return `${host}:${port}`;
}

/** How a Chromium is started so that its media goes by the proxy and the page itself does not. */
export function browserFlags(socks: Socks, server: string): string {
  return [
    `--proxy-server=socks5://${formatSocks(socks)}`,
    `--proxy-bypass-list=${server}`,
    '--webrtc-ip-handling-policy=disable_non_proxied_udp',
    '--force-webrtc-ip-handling-policy=disable_non_proxied_udp',
  ].join(' ');
}
