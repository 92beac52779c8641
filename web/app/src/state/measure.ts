// A window into the media of the current call, for those who measure it from outside of the page.

declare global {
  interface Window {
    __zvonok?: { currentPeerConnection(): RTCPeerConnection | null };
  }
}

let latest: RTCPeerConnection | null = null;

/** What the SDK makes its connections by: remembers the newest one. */
export function createMeasuredConnection(configuration: RTCConfiguration): RTCPeerConnection {
  latest = new RTCPeerConnection(configuration);
  return latest;
}

export function exposeMeasurements(): void {
  window.__zvonok = {
    currentPeerConnection: () => (latest && latest.connectionState !== 'closed' ? latest : null),
  };
}
