// Each test starts processes of its own; more at once than cores would time each other out.
[assembly: Xunit.v3.Parallelization(MaxThreads = 2)]
