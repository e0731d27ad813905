/** The pictures that come with the page; their sources and terms are in `web/pictures/SOURCES.md`. */
import astronaut from "../../pictures/32/astronaut.png";
import camera from "../../pictures/32/camera.png";
import chelsea from "../../pictures/32/chelsea.png";
import coffee from "../../pictures/32/coffee.png";
import horse from "../../pictures/32/horse.png";
import hubble from "../../pictures/32/hubble.png";
import retina from "../../pictures/32/retina.png";
import rocket from "../../pictures/32/rocket.png";
import astronaut64 from "../../pictures/64/astronaut.png";
import camera64 from "../../pictures/64/camera.png";
import chelsea64 from "../../pictures/64/chelsea.png";
import coffee64 from "../../pictures/64/coffee.png";
import horse64 from "../../pictures/64/horse.png";
import hubble64 from "../../pictures/64/hubble.png";
import retina64 from "../../pictures/64/retina.png";
import rocket64 from "../../pictures/64/rocket.png";

export interface ShippedPicture {
  id: string;
  label: string;
  /** Of 32x32 pixels. */
  address: string;
  /** The same square in 64x64. */
  large: string;
}

export const SHIPPED: readonly ShippedPicture[] = [
  { id: "chelsea", label: "Chelsea the cat", address: chelsea, large: chelsea64 },
  { id: "coffee", label: "A cup of coffee", address: coffee, large: coffee64 },
  { id: "astronaut", label: "Eileen Collins", address: astronaut, large: astronaut64 },
  { id: "rocket", label: "A rocket before dawn", address: rocket, large: rocket64 },
  { id: "horse", label: "A horse", address: horse, large: horse64 },
  { id: "camera", label: "A photographer", address: camera, large: camera64 },
  { id: "hubble", label: "Galaxies", address: hubble, large: hubble64 },
  { id: "retina", label: "A retina", address: retina, large: retina64 },
];

/** Where the pixels for a model of side x side are: no fewer than it has. */
export function addressFor({ address, large }: ShippedPicture, side: number): string {
  return side <= 32 ? address : large;
}
