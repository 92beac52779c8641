// The one SDK object of the page. Everything else in the app speaks to the server through it.
import { createZvonok } from '@zvonok/client';
import { createMeasuredConnection } from './measure';

// The tones are played by the app: it knows whether the user wants to hear the ring.
export const zvonok = createZvonok({ tones: false, environment: { createPeerConnection: createMeasuredConnection } });
