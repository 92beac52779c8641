import { describe, expect, it } from 'vitest';
import { initialPeople, reducePeople, splitByPresence, type PeopleAction, type PeopleState, type Person } from '../src/state/people';

const alice: Person = { id: 'alice', name: 'Alice', online: false };
const bob: Person = { id: 'bob', name: 'Bob', online: true };

function run(...actions: PeopleAction[]): PeopleState {
  return actions.reduce(reducePeople, initialPeople);
}

function loaded(query: string, people: Person[], next: string | null = null, append = false): PeopleAction {
  return { type: 'loaded', query, people, next, append };
}

describe('people', () => {
  it('are loading, then there', () => {
    expect(initialPeople.status).toBe('loading');
    expect(run(loaded('', [alice, bob]))).toMatchObject({ status: 'ready', people: [alice, bob], next: null });
  });
  it('ignore the answer to an older search', () => {
    const state = run({ type: 'search', query: 'b' }, loaded('', [alice]), loaded('b', [bob]), loaded('', [alice]));
    expect(state.people).toEqual([bob]);
  });
  it('keep what was found on the screen while the next search runs', () => {
    const state = run(loaded('', [alice]), { type: 'search', query: 'b' });
    expect(state).toMatchObject({ status: 'ready', people: [alice], query: 'b' });
  });
  it('append a page, each person once', () => {
    const state = run(loaded('', [alice], 'cursor'), { type: 'more' }, loaded('', [alice, bob], null, true));
    expect(state).toMatchObject({ people: [alice, bob], next: null, loadingMore: false });
  });
  it('fail only when there is nothing to show', () => {
    expect(run({ type: 'failed', query: '' }).status).toBe('failed');
    expect(run(loaded('', [alice]), { type: 'failed', query: '' }).status).toBe('ready');
    expect(run({ type: 'search', query: 'b' }, { type: 'failed', query: '' }).status).toBe('loading');
  });
  it('take presence, and stay the same object when nothing changes', () => {
    const before = run(loaded('', [alice, bob]));
    const after = reducePeople(before, { type: 'presence', users: [{ userId: 'alice', online: true }] });
    expect(after.people).toEqual([{ ...alice, online: true }, bob]);
    expect(reducePeople(after, { type: 'presence', users: [{ userId: 'alice', online: true }, { userId: 'eve', online: true }] })).toBe(after);
  });
  it('are split by presence in their order', () => {
    expect(splitByPresence([alice, bob])).toEqual({ online: [bob], offline: [alice] });
  });
});
