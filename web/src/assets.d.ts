/** Files that the build copies under a hashed name; the import is their address. */
declare module "*.png" {
  const address: string;
  export default address;
}
declare module "*.css";
