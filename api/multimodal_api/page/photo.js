// The photo: made small before it is sent, shown as the model sees it, with what moved the answer laid over it.

const LARGEST = 800;

export async function shrunk(file) {
  const bitmap = await createImageBitmap(file); // turned upright as its EXIF says
  const scale = Math.min(1, LARGEST / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const paint = canvas.getContext("2d");
  paint.fillStyle = "#fff"; // behind what is transparent
  paint.fillRect(0, 0, canvas.width, canvas.height);
  paint.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92));
  return { blob, picture: canvas };
}

export function show(canvas, picture, proportion, effects = null) {
  const width = 360;
  const height = Math.round(width * proportion);
  canvas.width = width;
  canvas.height = height;
  const paint = canvas.getContext("2d");
  paint.fillStyle = "#fff";
  paint.fillRect(0, 0, width, height);
  const scale = Math.min(width / picture.width, height / picture.height);
  const [w, h] = [picture.width * scale, picture.height * scale];
  paint.drawImage(picture, (width - w) / 2, (height - h) / 2, w, h);
  if (effects) shade(paint, width, height, effects);
}

// Darkens what did not speak for the answer; drawn small, so that scaling makes it smooth.
function shade(paint, width, height, effects) {
  const small = document.createElement("canvas");
  [small.height, small.width] = [effects.length, effects[0].length];
  const dots = small.getContext("2d");
  const most = Math.max(...effects.flat(), 1e-6);
  effects.forEach((row, y) => row.forEach((effect, x) => {
    dots.fillStyle = `rgba(10, 20, 30, ${0.75 * (1 - Math.max(0, effect) / most)})`;
    dots.fillRect(x, y, 1, 1);
  }));
  paint.imageSmoothingQuality = "high";
  paint.drawImage(small, 0, 0, width, height);
}
