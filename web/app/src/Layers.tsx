// Rooms and calls over the pages, once somebody is signed in. A piece of the program of its own, which the first page
// does without.
import { CallLayer } from './call/CallLayer';
import { PhoneLayer } from './phone/PhoneLayer';
import { RoomLayer } from './room/RoomLayer';
import { TunnelLayer } from './tunnel/TunnelLayer';

export default function Layers(): JSX.Element {
  return (
    <>
      <RoomLayer />
      <CallLayer />
      <PhoneLayer />
      <TunnelLayer />
    </>
  );
}
