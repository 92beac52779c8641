// What of a sign-in form can be checked without the server. Pure.
import type { AuthFailure } from '../state/authFailure';

interface AuthFields {
  readonly name: string;
  readonly email: string;
  readonly password: string;
  readonly signingUp: boolean;
}

/** The first thing that is wrong; null: ask the server. The length of a password is asked for only where one is chosen. */
export function checkFields(fields: AuthFields): AuthFailure | null {
  if (fields.signingUp && fields.name.trim() === '') return 'name';
  if (!/^\S+@\S+$/.test(fields.email.trim())) return 'email';
  const passwordBytes = new TextEncoder().encode(fields.password).length;
  if (passwordBytes === 0 || (fields.signingUp && (passwordBytes < 8 || passwordBytes > 256))) return 'password';
  return null;
}
