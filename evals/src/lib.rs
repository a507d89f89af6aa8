/*!
How good it is: cases, tasks, baselines, statistics and reports of evals. It drives the same run as every other door.
*/

pub mod tasks;
