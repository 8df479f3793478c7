"""A small stand-in of `launch` and `launch_ros`: enough of the API to execute our launch files without ROS.

Names, keywords and the order of evaluation are those of Humble and Jazzy (a declared argument sets its default where
nobody gave a value; an included file shares the scope of the file that includes it). What a keyword is not known for is
a TypeError, as it would be on a robot. What a launch file starts, and what is wrong with it, is noted in `Run`.
"""

import importlib.util
import os
import sys
import types
from pathlib import Path


class Run:
    """One execution: where packages are, what was asked for, what was started, what is wrong."""

    def __init__(self, prefix, arguments, stock):
        self.prefix, self.given, self.stock = Path(prefix), dict(arguments), stock
        self.configurations, self.declared, self.started, self.faults = dict(arguments), {}, [], []

    def fault(self, text):
        self.faults.append(text)

    def package(self, name):
        """Whether the package is known, by the ament index or as one of a stock installation."""
        if (self.prefix / "share/ament_index/resource_index/packages" / name).is_file():
            return True
        if name not in self.stock:
            self.fault(f"package {name} is neither in the ament index nor an exec_depend of the package")
        return False


def text(run, value):
    """A value as launch evaluates it: text, a substitution, or a list of both joined."""
    if isinstance(value, (list, tuple)):
        return "".join(text(run, part) for part in value)
    return value.perform(run) if hasattr(value, "perform") else str(value)


def truth(run, value):
    told = text(run, value).lower()
    if told not in ("true", "false", "1", "0"):
        run.fault(f"{told!r} is neither true nor false")
    return told in ("true", "1")


class LaunchConfiguration:
    def __init__(self, variable_name, *, default=None):
        self.name, self.default = variable_name, default

    def perform(self, run):
        if self.name in run.configurations:
            return text(run, run.configurations[self.name])
        if self.default is None:
            run.fault(f"launch configuration {self.name!r} is used and was never declared")
            return ""
        return text(run, self.default)


class PathJoinSubstitution:
    def __init__(self, substitutions):
        self.parts = substitutions

    def perform(self, run):
        return os.path.join(*[text(run, part) for part in self.parts])


class PythonExpression:
    def __init__(self, expression):
        self.expression = expression

    def perform(self, run):
        return str(eval(text(run, self.expression), {}, {}))  # the expression is our launch file's own


class FindPackageShare:
    def __init__(self, package):
        self.package = package

    def perform(self, run):
        name = text(run, self.package)
        run.package(name)
        return str(run.prefix / "share" / name)


class IfCondition:
    def __init__(self, predicate_expression):
        self.predicate = predicate_expression

    def evaluate(self, run):
        return truth(run, self.predicate)


class UnlessCondition(IfCondition):
    def evaluate(self, run):
        return not super().evaluate(run)


class LaunchDescription:
    def __init__(self, initial_entities=None):
        self.entities = list(initial_entities or [])

    def visit(self, run):
        for entity in self.entities:
            condition = getattr(entity, "condition", None)
            if condition is None or condition.evaluate(run):
                entity.visit(run)


class DeclareLaunchArgument:
    def __init__(self, name, *, default_value=None, description=None, choices=None, condition=None):
        self.name, self.default, self.description, self.choices = name, default_value, description, choices
        self.condition = condition

    def visit(self, run):
        run.declared[self.name] = self.description
        if not self.description:
            run.fault(f"argument {self.name} has no description")
        if self.name not in run.configurations:
            if self.default is None:
                run.fault(f"argument {self.name} is required and was not given")
            run.configurations[self.name] = text(run, "" if self.default is None else self.default)
        value = text(run, run.configurations[self.name])
        if self.choices and value not in self.choices:
            run.fault(f"argument {self.name} is {value!r}; one of {self.choices} expected")


class PythonLaunchDescriptionSource:
    def __init__(self, location):
        self.location = location


class IncludeLaunchDescription:
    def __init__(self, launch_description_source, *, launch_arguments=None, condition=None):
        self.source, self.arguments, self.condition = launch_description_source, launch_arguments, condition

    def visit(self, run):
        path = Path(text(run, self.source.location))
        if not path.is_file():
            run.fault(f"{path} is included and does not exist")
            return
        given = [(text(run, name), text(run, value)) for name, value in self.arguments or ()]
        run.configurations.update(given)
        before, run.declared = run.declared, {}
        load(path).visit(run)
        for name, _ in given:
            if name not in run.declared:
                run.fault(f"{path.name} is given the argument {name}, which it does not declare")
        run.declared = {**run.declared, **before}


class ExecuteProcess:
    def __init__(self, *, cmd=None, name=None, cwd=None, env=None, additional_env=None, respawn=False,
                 respawn_delay=None, output="log", output_format=None, emulate_tty=False, shell=False, prefix=None,
                 sigterm_timeout=None, sigkill_timeout=None, on_exit=None, condition=None):
        self.cmd, self.respawn, self.condition = cmd, respawn, condition

    def visit(self, run):
        self.respawns(run)
        run.started.append({"cmd": [text(run, part) for part in self.cmd]})

    def respawns(self, run):
        return self.respawn if isinstance(self.respawn, bool) else truth(run, self.respawn)


class ParameterValue:
    def __init__(self, value, *, value_type=None):
        self.value, self.type = value, value_type

    def perform(self, run):
        told = text(run, self.value)
        return truth(run, told) if self.type is bool else told


class Node(ExecuteProcess):
    def __init__(self, *, executable, package=None, name=None, namespace=None, exec_name=None, parameters=None,
                 remappings=None, ros_arguments=None, arguments=None, **process):
        super().__init__(cmd=[], **process)
        self.package, self.executable, self.name, self.namespace = package, executable, name, namespace
        self.parameters, self.remappings, self.arguments = parameters or [], remappings or [], arguments or []

    def visit(self, run):
        package, executable = text(run, self.package), text(run, self.executable)
        path = run.prefix / "lib" / package / executable
        if run.package(package) and not os.access(path, os.X_OK):
            run.fault(f"node {package}/{executable}: {path} is no executable")
        files, values = [], {}
        for source in self.parameters:
            if isinstance(source, dict):
                values.update({name: text_or_value(run, value) for name, value in source.items()})
                continue
            files.append(text(run, source))
            if not Path(files[-1]).is_file():
                run.fault(f"node {executable}: parameter file {files[-1]} does not exist")
        run.started.append({
            "package": package, "executable": executable, "name": text(run, self.name or executable),
            "namespace": text(run, self.namespace or ""), "parameter_files": files, "parameters": values,
            "remappings": [(text(run, a), text(run, b)) for a, b in self.remappings],
            "arguments": [text(run, part) for part in self.arguments], "respawn": self.respawns(run),
        })


def text_or_value(run, value):
    return value.perform(run) if hasattr(value, "perform") else value


class RegisterEventHandler:
    def __init__(self, event_handler, *, condition=None):
        self.handler, self.condition = event_handler, condition

    def visit(self, run):
        pass


class OnProcessExit:
    def __init__(self, *, target_action=None, on_exit=None):
        self.target, self.actions = target_action, on_exit


class EmitEvent:
    def __init__(self, *, event, condition=None):
        self.event, self.condition = event, condition

    def visit(self, run):
        pass


class Shutdown:
    def __init__(self, *, reason="", due_to_sigint=False):
        self.reason = reason


MODULES = {
    "launch": [LaunchDescription],
    "launch.actions": [DeclareLaunchArgument, IncludeLaunchDescription, ExecuteProcess, RegisterEventHandler, EmitEvent],
    "launch.conditions": [IfCondition, UnlessCondition],
    "launch.event_handlers": [OnProcessExit],
    "launch.events": [Shutdown],
    "launch.launch_description_sources": [PythonLaunchDescriptionSource],
    "launch.substitutions": [LaunchConfiguration, PathJoinSubstitution, PythonExpression],
    "launch_ros": [],
    "launch_ros.actions": [Node],
    "launch_ros.parameter_descriptions": [ParameterValue],
    "launch_ros.substitutions": [FindPackageShare],
}


def stand_in():
    """Puts the modules where `import` finds them."""
    for name, classes in MODULES.items():
        module = types.ModuleType(name)
        module.__path__ = []
        for each in classes:
            setattr(module, each.__name__, each)
        sys.modules[name] = module


def load(path):
    """The launch description of a file."""
    spec = importlib.util.spec_from_file_location(Path(path).name.replace(".", "_"), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.generate_launch_description()


def execute(path, prefix, arguments, stock):
    """Executes a launch file with these arguments; gives what it started and what is wrong with it."""
    stand_in()
    run = Run(prefix, arguments, stock)
    load(path).visit(run)
    for name in run.given:
        if name not in run.declared:
            run.fault(f"the argument {name} was given and is not declared")
    return run
