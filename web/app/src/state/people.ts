// The list of people: pages of a search, presence laid over them. A pure reducer.

export interface Person {
  readonly id: string;
  readonly name: string;
  readonly online: boolean;
}

export interface PeopleState {
  readonly status: 'loading' | 'ready' | 'failed';
  readonly query: string;
  readonly people: readonly Person[];
  /** Cursor of the next page; null: that was all. */
  readonly next: string | null;
  readonly loadingMore: boolean;
}

export type PeopleAction =
  | { readonly type: 'search'; readonly query: string }
  | { readonly type: 'more' }
  | {
      readonly type: 'loaded';
      readonly query: string;
      readonly people: readonly Person[];
      readonly next: string | null;
      readonly append: boolean;
    }
  | { readonly type: 'failed'; readonly query: string }
  | { readonly type: 'presence'; readonly users: readonly { readonly userId: string; readonly online: boolean }[] };

export const initialPeople: PeopleState = { status: 'loading', query: '', people: [], next: null, loadingMore: false };

export function reducePeople(state: PeopleState, action: PeopleAction): PeopleState {
  switch (action.type) {
    case 'search':
      // What was found stays on the screen until the new answer is there: less flicker while typing.
      return { ...state, query: action.query, status: state.people.length > 0 ? state.status : 'loading', loadingMore: false };
    case 'more':
      return { ...state, loadingMore: true };
    case 'loaded': {
      if (action.query !== state.query) return state;
      const known = new Set(action.append ? state.people.map((person) => person.id) : []);
      const fresh = action.people.filter((person) => !known.has(person.id));
      return {
        ...state,
        status: 'ready',
        people: action.append ? [...state.people, ...fresh] : fresh,
        next: action.next,
        loadingMore: false,
      };
    }
    case 'failed':
      if (action.query !== state.query) return state;
      return { ...state, status: state.people.length > 0 ? 'ready' : 'failed', loadingMore: false };
    case 'presence': {
      const changes = new Map(action.users.map((user) => [user.userId, user.online]));
      if (!state.people.some((person) => (changes.get(person.id) ?? person.online) !== person.online)) return state;
      return {
        ...state,
        people: state.people.map((person) => {
          const online = changes.get(person.id);
          return online === undefined || online === person.online ? person : { ...person, online };
        }),
      };
    }
  }
}

/** Who is online first; within each half the server's order. */
export function splitByPresence(people: readonly Person[]): { online: readonly Person[]; offline: readonly Person[] } {
  return { online: people.filter((person) => person.online), offline: people.filter((person) => !person.online) };
}
