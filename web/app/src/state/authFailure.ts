// Why signing in or up did not work, from the server's codes. Pure.
import type { ApiError } from '@zvonok/client';

export type AuthFailure =
  | 'wrong-credentials'
  | 'email-taken'
  | 'email'
  | 'password'
  | 'name'
  | 'too-many'
  | 'unavailable'
  | 'network'
  | 'other';

export function failureOf(error: Pick<ApiError, 'code' | 'field' | 'status'>): AuthFailure {
  switch (error.code) {
    case 'wrong_credentials':
      return 'wrong-credentials';
    case 'email_taken':
      return 'email-taken';
    case 'too_many_requests':
      return 'too-many';
    case 'unavailable':
      return 'unavailable';
    case 'network':
      return 'network';
  }
  if (error.field === 'email') return 'email';
  if (error.field === 'password') return 'password';
  if (error.field === 'display_name') return 'name';
  return error.status >= 500 ? 'unavailable' : 'other';
}
