/** The pictures that come with the page; their sources and terms are in `web/pictures/SOURCES.md`. */
import astronaut from "../../pictures/32/astronaut.png";
import camera from "../../pictures/32/camera.png";
import chelsea from "../../pictures/32/chelsea.png";
import coffee from "../../pictures/32/coffee.png";
import horse from "../../pictures/32/horse.png";
import hubble from "../../pictures/32/hubble.png";
import retina from "../../pictures/32/retina.png";
import rocket from "../../pictures/32/rocket.png";

export interface ShippedPicture {
  id: string;
  label: string;
  address: string;
}

export const SHIPPED: readonly ShippedPicture[] = [
  { id: "chelsea", label: "Chelsea the cat", address: chelsea },
  { id: "coffee", label: "A cup of coffee", address: coffee },
  { id: "astronaut", label: "Eileen Collins", address: astronaut },
  { id: "rocket", label: "A rocket before dawn", address: rocket },
  { id: "horse", label: "A horse", address: horse },
  { id: "camera", label: "A photographer", address: camera },
  { id: "hubble", label: "Galaxies", address: hubble },
  { id: "retina", label: "A retina", address: retina },
];
