// Who is signed in, and the ways in and out.
import { ApiError } from '@zvonok/client';
import type { Account } from '@zvonok/client';
import { createStore, useStore } from '../lib/store';
import { failureOf, type AuthFailure } from './authFailure';
import { zvonok } from './client';

export type { AuthFailure };

export interface Me {
  readonly id: string;
  readonly name: string;
  readonly email: string | null;
}

export interface SessionState {
  readonly user: Me | null;
  /** The login ended without the user's doing. */
  readonly expired: boolean;
}

export function meOf(account: Account): Me {
  return { id: account.id, name: account.displayName || (account.email ?? account.id), email: account.email };
}

const account = zvonok.api.account;
export const sessionStore = createStore<SessionState>({ user: account ? meOf(account) : null, expired: false });

export function useSession(): SessionState {
  return useStore(sessionStore);
}

zvonok.api.on('session', (session) => {
  sessionStore.set((state) => {
    if (session) return { user: meOf(session.user), expired: false };
    return state.user === null ? state : { user: null, expired: state.expired };
  });
});
zvonok.api.on('expired', () => sessionStore.set({ user: null, expired: true }));

async function attempt(action: () => Promise<unknown>): Promise<AuthFailure | null> {
  try {
    await action();
    return null;
  } catch (error) {
    return error instanceof ApiError ? failureOf(error) : 'other';
  }
}

/** Resolves to what went wrong; null: signed in. */
export function signIn(form: { email: string; password: string }): Promise<AuthFailure | null> {
  return attempt(() => zvonok.api.login(form));
}

export function signUp(form: { name: string; email: string; password: string }): Promise<AuthFailure | null> {
  return attempt(() => zvonok.api.register({ email: form.email, password: form.password, displayName: form.name }));
}

export async function signOut(): Promise<void> {
  zvonok.calls.current?.hangup();
  for (const call of zvonok.phone.calls) if (call.isHere) call.hangup();
  zvonok.signal.disconnect();
  // Offline, too, this device forgets the login.
  await attempt(() => zvonok.api.logout());
  sessionStore.set({ user: null, expired: false });
}

export async function renameMe(name: string): Promise<AuthFailure | null> {
  return attempt(async () => {
    const updated = await zvonok.api.updateMe({ displayName: name });
    sessionStore.set((state) => ({ ...state, user: meOf(updated) }));
  });
}
