// The two things that are read from session descriptions. They are never changed.

/** Which RTCPeerConnection made it: user name and session id of the `o=` line (RFC 8866 section 5.2), not the version. */
export function sessionIdOf(sdp: string): string | null {
  const match = /^o=(\S+) (\S+) /m.exec(sdp);
  return match ? `${match[1]} ${match[2]}` : null;
}

/** Whether it offers to send this kind of media. */
export function offersToSend(sdp: string, kind: 'audio' | 'video'): boolean {
  return sdp
    .split(/^(?=m=)/m)
    .slice(1)
    .some(
      (section) =>
        section.startsWith(`m=${kind} `) &&
        !section.startsWith(`m=${kind} 0 `) &&
        !/^a=(recvonly|inactive)\s*$/m.test(section),
    );
}
