// The start of the app.
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import './styles/tokens.css';
import './styles/base.css';
import './styles/ui.css';
import './styles/pages.css';
import './styles/call.css';
import './styles/room.css';
import './styles/phone.css';
import { App } from './App';
import { followLook } from './state/app';
import { followSession } from './state/directory';
import { exposeMeasurements } from './state/measure';
import { CrashGuard } from './ui/CrashGuard';

followLook();
exposeMeasurements();
followSession();

const root = document.getElementById('root');
if (!root) throw new Error('the page has no #root');
createRoot(root).render(
  <StrictMode>
    <CrashGuard>
      <App />
    </CrashGuard>
  </StrictMode>,
);
