using System.Diagnostics;
using System.Runtime.InteropServices;
using Mesh.Proxy.Native;

namespace Mesh.Proxy.Tests.Support;

/// <summary>A process for which the kernel opens no netlink sockets, as under a strict sandbox: seccomp, which a child has from the thread that starts it.</summary>
internal static unsafe partial class SandboxedProcess
{
    private const int SetNoNewPrivileges = 38;
    private const int SetSeccomp = 22;
    private const int ModeFilter = 2;

    private const ushort LoadWord = 0x20;
    private const ushort JumpIfEqual = 0x15;
    private const ushort Return = 0x06;
    private const uint Allow = 0x7fff_0000;
    private const uint FailWithAfNoSupport = 0x0005_0000 | 97;
    private const uint AfNetlink = 16;

    private static uint SocketCall => RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 41u : 198u;

    public static Process StartWithoutNetlink(ProcessStartInfo start)
    {
        // What the runtime starts once for all processes must not be this thread's child.
        using (var first = Process.Start(new ProcessStartInfo("true"))!)
        {
            first.WaitForExit();
        }

        Process? process = null;
        Exception? fault = null;
        var thread = new Thread(() =>
        {
            try
            {
                Restrict();
                process = Process.Start(start);
            }
            catch (Exception e)
            {
                fault = e;
            }
        });
        thread.Start();
        thread.Join();
        return process ?? throw new InvalidOperationException("The process did not start.", fault);
    }

    private static void Restrict()
    {
        // seccomp_data: the call's number at 0, its first argument at 16.
        ReadOnlySpan<Instruction> program =
        [
            new(LoadWord, 0, 0, 0), new(JumpIfEqual, 0, 3, SocketCall),
            new(LoadWord, 0, 0, 16), new(JumpIfEqual, 0, 1, AfNetlink),
            new(Return, 0, 0, FailWithAfNoSupport), new(Return, 0, 0, Allow),
        ];
        fixed (Instruction* first = program)
        {
            var filter = new Program((ushort)program.Length, first);
            Errno.Check(Control(SetNoNewPrivileges, 1, 0, 0, 0), "prctl");
            Errno.Check(Control(SetSeccomp, ModeFilter, (nint)(&filter), 0, 0), "prctl");
        }
    }

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static partial int Control(int option, nint one, nint two, nint three, nint four);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Instruction(ushort Code, byte IfTrue, byte IfFalse, uint Value);

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Program(ushort length, Instruction* first)
    {
        private readonly ushort _length = length;
        private readonly Instruction* _first = first;
    }
}
