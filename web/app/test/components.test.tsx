import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { setPrefs } from '../src/state/app';
import { Dialog } from '../src/ui/Dialog';
import { Popover } from '../src/ui/Popover';
import { Switch, TextField } from '../src/ui/fields';
import { checkFields } from '../src/screens/authFields';

afterEach(cleanup);

describe('Dialog', () => {
  it('takes the focus, keeps it inside and closes by Esc', () => {
    setPrefs({ language: 'en' });
    const onClose = vi.fn();
    render(
      <Dialog title="Question" onClose={onClose} actions={<button type="button">Yes</button>}>
        text
      </Dialog>,
    );
    const close = screen.getByRole('button', { name: 'Close' });
    const yes = screen.getByRole('button', { name: 'Yes' });
    expect(document.activeElement).toBe(close);
    yes.focus();
    fireEvent.keyDown(yes, { key: 'Tab' });
    expect(document.activeElement).toBe(close);
    fireEvent.keyDown(close, { key: 'Tab', shiftKey: true });
    expect(document.activeElement).toBe(yes);
    fireEvent.keyDown(yes, { key: 'Escape' });
    expect(onClose).toHaveBeenCalledTimes(1);
    expect(screen.getByRole('dialog', { name: 'Question' }).getAttribute('aria-modal')).toBe('true');
  });
});

describe('Popover', () => {
  it('opens, closes by Esc with the focus back on its button, and lets no one else see that Esc', () => {
    const outside = vi.fn();
    document.addEventListener('keydown', outside);
    render(
      <Popover title="Devices" side="above" trigger={(props) => <button {...props}>open</button>}>
        <button type="button">inside</button>
      </Popover>,
    );
    const trigger = screen.getByRole('button', { name: 'open' });
    fireEvent.click(trigger);
    const inside = screen.getByRole('button', { name: 'inside' });
    expect(document.activeElement).toBe(inside);
    fireEvent.keyDown(inside, { key: 'Escape' });
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(document.activeElement).toBe(trigger);
    expect(outside).not.toHaveBeenCalled();
    document.removeEventListener('keydown', outside);
  });
});

describe('fields', () => {
  it('ties an error to its input', () => {
    render(<TextField label="Email" error="Wrong" value="x" onChange={() => undefined} />);
    const input = screen.getByLabelText('Email');
    expect(input.getAttribute('aria-invalid')).toBe('true');
    expect(document.getElementById(input.getAttribute('aria-describedby') ?? '')?.textContent).toBe('Wrong');
  });
  it('shows and hides a password', () => {
    setPrefs({ language: 'en' });
    render(<TextField label="Secret" type="password" value="x" onChange={() => undefined} />);
    const input = screen.getByLabelText('Secret') as HTMLInputElement;
    expect(input.type).toBe('password');
    fireEvent.click(screen.getByRole('button', { name: 'Show password' }));
    expect(input.type).toBe('text');
    act(() => setPrefs({ language: 'ru' }));
    expect(screen.getByRole('button', { name: 'Скрыть пароль' })).toBeTruthy();
  });
  it('has a switch that says its state', () => {
    const onChange = vi.fn();
    render(<Switch label="Ring" checked={false} onChange={onChange} />);
    const control = screen.getByRole('switch', { name: 'Ring' });
    expect(control.getAttribute('aria-checked')).toBe('false');
    fireEvent.click(control);
    expect(onChange).toHaveBeenCalledWith(true);
  });
});

describe('the sign-in form', () => {
  const fields = { name: 'Alice', email: 'alice@example.org', password: 'long enough', signingUp: true };
  it.each([
    [{}, null],
    [{ name: '  ' }, 'name'],
    [{ email: 'alice' }, 'email'],
    [{ password: 'short' }, 'password'],
    [{ password: 'short', signingUp: false }, null],
    [{ password: '', signingUp: false }, 'password'],
    [{ password: 'пароль12' }, null],
    [{ password: 'x'.repeat(257) }, 'password'],
  ])('with %j finds %s', (changes, failure) => {
    expect(checkFields({ ...fields, ...changes })).toBe(failure);
  });
});
