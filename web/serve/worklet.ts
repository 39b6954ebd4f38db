/* Runs in the browser's audio thread: mono blocks of the microphone, handed to the page. */
declare const sampleRate: number, currentTime: number;
declare function registerProcessor(name: string, processor: unknown): void;
declare class AudioWorkletProcessor { readonly port: MessagePort; }

const BLOCK = 1024;

class Recorder extends AudioWorkletProcessor {
  private block = new Float32Array(BLOCK);
  private filled = 0;
  private at = 0; /* seconds of the audio clock at the block's first sample */

  process(inputs: Float32Array[][]): boolean {
    const channels = inputs[0];
    if (!channels.length) return true;
    for (let i = 0; i < channels[0].length; i++) {
      let sum = 0;
      for (const channel of channels) sum += channel[i];
      if (!this.filled) this.at = currentTime + i / sampleRate;
      this.block[this.filled++] = sum / channels.length;
      if (this.filled < BLOCK) continue;
      this.port.postMessage({ rate: sampleRate, at: this.at, samples: this.block }, [this.block.buffer]);
      this.block = new Float32Array(BLOCK);
      this.filled = 0;
    }
    return true;
  }
}

registerProcessor("recorder", Recorder);
