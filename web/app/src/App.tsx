// Sign in, or the pages with the call over them.
import { lazy, Suspense } from 'react';
import { useStore } from './lib/store';
import { useCall } from './state/calls';
import { closeHelp, helpStore } from './state/help';
import { usePhone } from './state/phone';
import { useSession } from './state/session';
import { useRoute } from './lib/route';
import { AuthScreen } from './screens/Auth';
import { Shell } from './screens/Shell';
import { HelpDialog } from './ui/HelpDialog';
import { Toasts } from './ui/Toasts';
import { useHotkeys } from './useHotkeys';

const Layers = lazy(() => import('./Layers'));

export function App(): JSX.Element {
  const { user } = useSession();
  const call = useCall();
  const phone = usePhone();
  const help = useStore(helpStore);
  const { room } = useRoute();
  useHotkeys(user !== null);
  return (
    <>
      {user ? <Shell key={user.id} covered={call !== null || phone !== null || room !== undefined} /> : <AuthScreen />}
      {user && (
        <Suspense fallback={null}>
          <Layers />
        </Suspense>
      )}
      {user && help && <HelpDialog onClose={closeHelp} />}
      <Toasts />
    </>
  );
}
