export { type CreatedProject, createProject } from './create.js';
