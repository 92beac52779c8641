// What the user sees when our own code fails: a way on instead of an empty page.
import { Component, type ReactNode } from 'react';
import { currentI18n } from '../state/app';
import { Button } from './Button';
import { Empty } from './bits';

export class CrashGuard extends Component<{ children: ReactNode }, { crashed: boolean }> {
  override state = { crashed: false };

  static getDerivedStateFromError(): { crashed: boolean } {
    return { crashed: true };
  }

  override render(): ReactNode {
    if (!this.state.crashed) return this.props.children;
    const { t } = currentI18n();
    return (
      <main className="crash">
        <Empty
          icon="alert"
          title={t('error.crash.title')}
          text={t('error.crash.text')}
          action={
            <Button look="primary" onClick={() => window.location.reload()}>
              {t('error.crash.reload')}
            </Button>
          }
        />
      </main>
    );
  }
}
