/** Made by `vite.config.ts` from what is installed. */
declare module 'virtual:licences' {
  const licences: { name: string; version: string; licence: string; text: string }[];
  export default licences;
}
