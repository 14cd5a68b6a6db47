import { createSpotlight } from '@mantine/spotlight';

/** The command palette: opened by `/` or Ctrl-K, or a click into the search box. */
export const [paletteStore, palette] = createSpotlight();

export const openPalette = (): void => palette.open();

export const isPaletteOpen = (): boolean => paletteStore.getState().opened;
