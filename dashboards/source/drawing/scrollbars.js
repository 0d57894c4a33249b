export { Scrollbars, Scrollbars as default } from './node_modules/react-custom-scrollbars-2/lib/index.js';
